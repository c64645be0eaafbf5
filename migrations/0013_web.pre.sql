-- The Prometheus metrics of each living process, so that one scrape of any api process tells of the whole installation.
-- Worth nothing after a crash, therefore unlogged.
create unlogged table process_metrics (
    node text primary key,
    at timestamptz not null default clock_timestamp(),
    body bytea not null
);
