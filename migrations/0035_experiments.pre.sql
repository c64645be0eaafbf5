-- Experiments: what is tried on whom. Who is in which arm is a keyed hash of key, salt and person, not stored, unless the
-- experiment was dealt by strata (below). `design` is what people said of it: arms, share, strata, metrics, error rates.
create table experiment_layer (
    name text primary key check (name ~ '^[a-z][a-z0-9_-]{0,39}$'),
    title text not null default '',
    salt text not null,
    created_at timestamptz not null
);
create table experiment (
    id integer generated always as identity primary key,
    key text not null unique check (key ~ '^[a-z][a-z0-9_-]{0,59}$'),
    kind text not null check (kind in ('random', 'holdout', 'adopted')),
    state text not null default 'draft' check (state in ('draft', 'running', 'stopped', 'finished')),
    salt text not null,
    design jsonb not null,
    layer text references experiment_layer (name),
    slots integer[] not null default '{}',
    dealt boolean not null default false,
    winner smallint,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    started_at timestamptz,
    stopped_at timestamptz,
    finished_at timestamptz,
    check ((state = 'draft') = (started_at is null)),
    check ((state = 'finished') = (finished_at is not null))
);
create index experiment_by_layer on experiment (layer) where layer is not null;

-- A layer is a thousand slots; a person stands in one of them for ever. A slot is one experiment's until that is finished, so
-- two experiments of a layer never share a person.
create table experiment_slot (
    layer text not null references experiment_layer (name),
    slot smallint not null check (slot between 0 and 999),
    experiment_id integer not null references experiment (id),
    primary key (layer, slot)
);

-- Arms dealt within strata when an experiment started: Roaring bitmaps of profile ids. Newcomers since are drawn by hash.
create table experiment_deal (
    experiment_id integer not null references experiment (id),
    stratum text not null,
    arm smallint not null,
    size bigint not null,
    ids bytea not null,
    primary key (experiment_id, stratum, arm)
);
alter table experiment_deal alter ids set storage external;

-- Who was exposed to what, and when first. Written by whoever leads people to a branch, for tens of thousands at a time: no
-- foreign keys, which would be checked row by row; an experiment that has begun is never deleted, and erasing a person takes
-- their rows along. profile_id is the person's own id, also after merges.
create table experiment_exposure (
    experiment_id integer not null,
    profile_id bigint not null,
    arm smallint not null,
    exposed_at timestamptz not null,
    primary key (experiment_id, profile_id)
) with (autovacuum_vacuum_insert_scale_factor = 0.05);

-- What an experiment came to when it was last worked out, and the alarms that have been raised. After `settles_at` (when the
-- window of the last person exposed closes) nothing more comes to a finished one, and its figures are kept for good.
create table experiment_result (
    experiment_id integer primary key references experiment (id),
    measured_at timestamptz not null,
    settles_at timestamptz not null,
    took_ms integer not null,
    body jsonb not null,
    wanted_at timestamptz
);
