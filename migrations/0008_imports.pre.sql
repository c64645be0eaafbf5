-- Files brought in by people: what they are, how they were read, what became of each.
create table import_file (
    id          bigint generated always as identity primary key,
    name        text not null,
    path        text not null,
    size        bigint not null,
    sha256      text not null,
    uploaded_by text not null,
    uploaded_at timestamptz not null
);

create table import (
    id         bigint generated always as identity primary key,
    file_id    bigint not null references import_file,
    kind       text not null check (kind in ('customers', 'events')),
    map        jsonb not null,
    dry_run    boolean not null,
    -- The instant its values are from: that of the first import of the same file by the same map, so that a
    -- repetition says nothing new.
    as_of      timestamptz not null,
    job_id     bigint not null references job,
    state      text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed')),
    rows       bigint not null default 0,
    refused    bigint not null default 0,
    made       bigint not null default 0,
    changed    bigint not null default 0,
    unchanged  bigint not null default 0,
    reasons    jsonb not null default '{}',
    errors     text,
    created_by text not null,
    created_at timestamptz not null
);
create index import_file_id on import (file_id);

-- The keys of imported events. They never expire: the same row imported years later adds nothing.
create table import_key (
    key uuid primary key
);
