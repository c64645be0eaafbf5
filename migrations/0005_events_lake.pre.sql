-- What the lake's loop remembers beside the lake itself: hot days that are flushed and wait out their grace, and
-- when its upkeep was last done. Machine time.
create table event_day_flushed (
    day        date primary key,
    lanes      jsonb not null,
    flushed_at timestamptz not null default clock_timestamp()
);
create table lake_upkeep (
    task    text primary key,
    done_at timestamptz not null
);
