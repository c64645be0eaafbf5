const files = import.meta.glob<{ default: object }>('./zh/*.json', { eager: true });

/** One room, one file: `./zh/segments.json` answers to `segments.*`. */
export default Object.fromEntries(
  Object.entries(files).map(([path, file]) => [path.slice('./zh/'.length, -'.json'.length), file.default]),
);
