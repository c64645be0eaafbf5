-- What journeys do to the world, and remember of it.

-- Events that journeys raise, until they are in the journal: moved there in one transaction, each once.
create table journey_outgoing (
    id bigint generated always as identity,
    bucket smallint not null,
    profile_id bigint not null,
    payload bytea not null,
    primary key (profile_id, id)
);
create index journey_outgoing_bucket on journey_outgoing (bucket, id);

-- What is asked of other systems, as steps say it: once for all who ask alike. Headers and the signing secret are sealed.
create table journey_request (
    id bigint generated always as identity primary key,
    digest bytea not null unique,
    url text not null,
    method text not null,
    sealed bytea not null
);

-- Who asks, and what became of it; `due_at` is when it is asked next. An answer moves the person in the transaction that notes it.
create table journey_ask (
    profile_id bigint not null,
    run_id bigint not null,
    step text not null,
    turn int not null,
    journey_id bigint not null,
    bucket smallint not null,
    request_id bigint not null references journey_request (id),
    body jsonb not null,
    state text not null default 'waiting' check (state in ('waiting', 'answered', 'failed', 'too_late')),
    asked_at timestamptz not null,
    due_at timestamptz not null,
    give_up_at timestamptz not null,
    attempts int not null default 0,
    status int,
    reason text,
    ended_at timestamptz,
    primary key (profile_id, run_id, step, turn)
) with (fillfactor = 80);
create index journey_ask_due on journey_ask (bucket, due_at) where state = 'waiting';
create index journey_ask_ended on journey_ask (ended_at) where ended_at is not null;

-- Rate-limited gates: the turns given last, as [instant, how many], oldest first. Whoever gives turns holds the row.
create table journey_gate (
    journey_id bigint not null references journey (id) on delete cascade,
    step text not null,
    turns jsonb not null default '[]',
    primary key (journey_id, step)
) with (fillfactor = 50);

-- What customers said last, by channel: the half of the dialogue that the ledger does not have.
create table dialogue (
    profile_id bigint not null,
    channel text not null,
    at timestamptz not null,
    text text not null,
    delivery_id bigint,
    primary key (profile_id, channel)
) with (fillfactor = 85);

-- Whether days of events were ever dropped from PostgreSQL: where that is not known, it is taken for so.
insert into lake_upkeep (task, done_at) select 'events.dropped', clock_timestamp() where exists (select 1 from profile) on conflict do nothing;
