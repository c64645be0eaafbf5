-- Journeys: definitions, the people inside, and what became of each.
create table journey (
    id bigint generated always as identity primary key,
    name text not null,
    description text not null default '',
    state text not null default 'draft' check (state in ('draft', 'live', 'paused', 'finished', 'archived')),
    draft jsonb not null,                    -- the definition as it is being written
    draft_revision int not null default 1,   -- two people who edit at once notice each other by it
    live_version_id bigint,                  -- the version that people enter
    held_reason text,                        -- why the system itself paused it
    created_at timestamptz not null,
    created_by text not null,
    changed_at timestamptz not null,
    changed_by text not null,
    started_at timestamptz,
    finished_at timestamptz
);
create index journey_open on journey (id) where state in ('live', 'paused');

-- A published version: never changed.
create table journey_version (
    id bigint generated always as identity primary key,
    journey_id bigint not null references journey (id),
    number int not null,
    definition jsonb not null,
    note text not null default '',
    published_at timestamptz not null,
    published_by text not null,
    treatment jsonb,                         -- what was decided of the people inside when it went live
    unique (journey_id, number)
);
alter table journey add foreign key (live_version_id) references journey_version (id);

-- People inside: one row for each passage.
create table journey_run (
    profile_id bigint not null,
    id bigint generated always as identity,
    journey_id bigint not null,
    version_id bigint not null,
    bucket smallint not null,
    step smallint not null,                  -- its number in the version's definition
    turn int not null default 0,             -- how often a loop sent them back
    moved boolean not null default false,    -- an edit moved them
    wake_at timestamptz,                     -- none: only something heard moves them
    entered_at timestamptz not null,
    arrived_at timestamptz not null,
    key text not null default '',            -- what they entered for: an order
    memory jsonb,
    primary key (profile_id, id)
) with (fillfactor = 80);
create index journey_run_due on journey_run (bucket, wake_at) where wake_at is not null;
create index journey_run_step on journey_run (version_id, step, profile_id);

-- Passages that ended, and entries that were refused for a holdout: what "once" asks.
create table journey_past (
    profile_id bigint not null,
    run_id bigint not null,
    journey_id bigint not null,
    version_id bigint not null,
    step smallint,
    reason text not null,
    key text not null default '',
    converted boolean not null default false,
    value numeric,
    entered_at timestamptz not null,
    ended_at timestamptz not null,
    primary key (profile_id, run_id)
);
create index journey_past_ended on journey_past (journey_id, ended_at);

-- Each move of a person: the steps passed in it, where it ended, and the facts that decided.
create table journey_history (
    profile_id bigint not null,
    run_id bigint not null,
    journey_id bigint not null,
    version_id bigint not null,
    at timestamptz not null,
    path jsonb not null                      -- [{"s": step, "d": what it did, "h": how, "w": facts}, ...]
);
create index journey_history_person on journey_history (profile_id, at);

-- How many people went which way: the numbers on the arrows.
create table journey_count (
    version_id bigint not null references journey_version (id) on delete cascade,
    step smallint not null,
    did text not null,
    how text not null,
    day date not null,
    slot smallint not null,                  -- a few rows for one number, so that workers do not wait for each other
    people bigint not null,
    primary key (version_id, step, did, how, day, slot)
) with (fillfactor = 50);
