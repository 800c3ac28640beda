-- where returned goods are and what becomes of them: a workflow that did not write this itself needs it to go on
ALTER TABLE returns ADD COLUMN receipt jsonb;
