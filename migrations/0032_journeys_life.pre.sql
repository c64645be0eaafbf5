-- The life of journeys' definitions: what becomes of the people inside when another version goes live, and what brings people in.

-- An edit puts somebody at another step: at the next tick they come to it.
alter table journey_run add column coming boolean not null default false;

-- Each time a version went live, or a journey was ended at once, and how far the people inside have been moved.
create table journey_move (
    id bigint generated always as identity primary key,
    journey_id bigint not null references journey (id) on delete cascade,
    from_version_id bigint,                  -- what was live before; none: the first time
    to_version_id bigint,                    -- what is live from then on; none: the journey ended
    kind text not null check (kind in ('stay', 'move', 'leave', 'end')),
    back boolean not null default false,     -- a rollback
    map jsonb not null default '{}',         -- step of an old version → step of the new one, or null: they leave
    state text not null default 'open' check (state in ('open', 'done', 'stopped')),
    total bigint not null default 0,         -- people it was for when it began
    moved bigint not null default 0,
    gone bigint not null default 0,
    at timestamptz not null,
    by text not null,
    opened timestamptz not null default clock_timestamp(),  -- machine time: entries under way then may still come
    done_at timestamptz
);
create index journey_move_of on journey_move (journey_id, id);
create index journey_move_open on journey_move (id) where state = 'open';

-- When a schedule of a live version lets people in next.
create table journey_schedule (
    journey_id bigint not null references journey (id) on delete cascade,
    entry text not null,                     -- what the schedule says, as a digest: the same in all versions
    schedule jsonb not null,
    next_wall timestamp,
    next_at timestamptz,                     -- none: it has ended
    primary key (journey_id, entry)
);
create index journey_schedule_due on journey_schedule (next_at) where next_at is not null;

-- People to be let in, and how far that is: the members of a segment at launch or at a time, or whom an import brought.
create table journey_intake (
    id bigint generated always as identity primary key,
    journey_id bigint not null references journey (id) on delete cascade,
    source text not null check (source in ('present', 'schedule', 'import')),
    detail text not null default '',         -- the segment, the time or the file
    key text not null,                       -- what makes it happen once
    members bytea,                           -- Roaring bitmap of profile ids; none once all were asked
    size bigint,                             -- none: nobody has looked yet who they are
    taken bigint not null default 0,
    entered bigint not null default 0,
    at timestamptz not null,
    over_at timestamptz,
    unique (journey_id, key)
);
create index journey_intake_open on journey_intake (id) where over_at is null;

-- Keys of entries over the API, as hashes: the same key lets in once.
create table journey_entry_key (
    journey_id bigint not null references journey (id) on delete cascade,
    key bytea not null,
    body bytea not null,
    answer jsonb not null,
    at timestamptz not null,
    primary key (journey_id, key)
);
create index journey_entry_key_at on journey_entry_key (at);
