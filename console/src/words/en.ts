const files = import.meta.glob<{ default: object }>('./en/*.json', { eager: true });

/** One room, one file: `./en/segments.json` answers to `segments.*`. */
export default Object.fromEntries(
  Object.entries(files).map(([path, file]) => [path.slice('./en/'.length, -'.json'.length), file.default]),
);
