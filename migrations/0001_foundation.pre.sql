-- Fenced leases by bucket. The primary key holds the epoch, so that a renewal, which changes no key, never waits for
-- work that holds `for key share`, and a take-over, which changes the epoch, does.
create table lease (
    loop text not null,
    bucket integer not null,
    owner text not null default '',
    epoch bigint not null default 0,
    expires timestamptz not null default '-infinity',
    primary key (loop, bucket, epoch),
    unique (loop, bucket)
) with (fillfactor = 50);

-- Processes that are alive, to share buckets fairly.
create table node (
    name text primary key,
    kind text not null,
    started_at timestamptz not null default clock_timestamp(),
    expires timestamptz not null
);

-- One-off and long work with progress.
create table job (
    id bigint generated always as identity primary key,
    kind text not null,
    args jsonb not null,
    state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed', 'cancelled')),
    done bigint not null default 0,
    total bigint,
    message text not null default '',
    result jsonb,
    error text,
    cancel_asked boolean not null default false,
    owner text,
    expires timestamptz,
    attempts integer not null default 0,
    created_by text not null default '',
    created_at timestamptz not null default clock_timestamp(),
    run_at timestamptz not null default clock_timestamp(),
    started_at timestamptz,
    finished_at timestamptz
);
create index job_open on job (run_at) where state in ('waiting', 'running');
create index job_recent on job (created_at desc);

-- Notices between rooms: an outbox, one row a listener, deleted by the listener's own transaction.
create table notice (
    id bigint generated always as identity primary key,
    listener text not null,
    topic text not null,
    body jsonb not null,
    attempts integer not null default 0,
    retry_at timestamptz not null default clock_timestamp(),
    error text,
    created_at timestamptz not null default clock_timestamp()
);
create index notice_due on notice (retry_at, id);

-- The offset of business time from machine time, shared by all processes.
create table business_clock (
    one boolean primary key default true check (one),
    "offset" interval not null default '0'
);
insert into business_clock default values;
