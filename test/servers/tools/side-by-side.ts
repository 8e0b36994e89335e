/**
 * Begins all of a table together, a few at a time; each test waits for its own. Most of the time of
 * a scenario is waiting.
 */
export function sideBySide<Row, Result>(
  rows: readonly Row[],
  atOnce: number,
  run: (row: Row) => Promise<Result>,
): ReadonlyMap<Row, Promise<Result>> {
  const lanes: Promise<unknown>[] = Array.from({ length: atOnce }, () => Promise.resolve());
  return new Map(
    rows.map((row, index) => {
      const result = (lanes[index % atOnce] as Promise<unknown>).then(() => run(row));
      lanes[index % atOnce] = result.catch(() => {});
      return [row, result];
    }),
  );
}
