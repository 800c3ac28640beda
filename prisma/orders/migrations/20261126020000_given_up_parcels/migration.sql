-- a parcel that never left costs nothing; with it the shipping cost may go back, where the customer keeps nothing else
ALTER TABLE lost_parcels ADD COLUMN given_up boolean NOT NULL DEFAULT false;
