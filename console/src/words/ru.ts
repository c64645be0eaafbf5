const files = import.meta.glob<{ default: object }>('./ru/*.json', { eager: true });

/** One room, one file: `./ru/segments.json` answers to `segments.*`. */
export default Object.fromEntries(
  Object.entries(files).map(([path, file]) => [path.slice('./ru/'.length, -'.json'.length), file.default]),
);
