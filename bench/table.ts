/** Text tables for the terminal: the first column to the left, figures to the right. */

export type Cell = string | number

/** Two decimals for small figures, none for large ones; a dash for what was not measured. */
export function formatFigure(value: number): string {
  if (!Number.isFinite(value)) return '–'
  if (Number.isInteger(value)) return String(value)
  return value.toFixed(Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0)
}

/** Lines without a line end; columns are as wide as their widest cell. */
export function formatTable(header: readonly string[], rows: readonly (readonly Cell[])[]): string[] {
  const cells = [
    header,
    ...rows.map((row) => row.map((cell) => (typeof cell === 'number' ? formatFigure(cell) : cell))),
  ]
  const widths = header.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]): string =>
    widths
      .map((width, column) => {
        const text = row[column] ?? ''
        return column === 0 ? text.padEnd(width) : text.padStart(width)
      })
      .join('  ')
      .trimEnd()
  const [top = header, ...rest] = cells
  return [line(top), widths.map((width) => '─'.repeat(width)).join('  '), ...rest.map(line)]
}
