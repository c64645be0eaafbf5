-- A chain of hops: each hop is a dispatch of its own and names the one that follows it. All are made together, so that
-- pausing or cancelling a campaign finds them all.
alter table dispatch add column next_id bigint references dispatch (id);

-- Hops whose person may have to be asked elsewhere: when to look again, and what is looked for. `end`: it was not said
-- (or may not have been) and the next hop follows; `receipt`, `answer`: it follows unless one has come by then.
create table delivery_watch (
    bucket smallint not null,
    due_at timestamptz not null,
    delivery_id bigint not null,
    profile_id bigint not null,
    dispatch_id bigint not null,
    wants text not null check (wants in ('end', 'receipt', 'answer')),
    primary key (delivery_id, profile_id, wants)
) with (autovacuum_vacuum_scale_factor = 0.05);
create index delivery_watch_due on delivery_watch (bucket, due_at);
create index delivery_watch_dispatch on delivery_watch (dispatch_id);

-- The hops of one chain are found by its first.
create index delivery_origin on delivery (origin_id) where origin_id is not null;

-- What people did to single rows of the ledger: said again, or said what became of them; with the row as it was.
create table delivery_intervention (
    id bigint generated always as identity,
    delivery_id bigint not null,
    profile_id bigint not null,
    verb text not null check (verb in ('retry', 'delivered', 'not_delivered', 'send_again')),
    at timestamptz not null,
    by text not null,
    state text not null,
    reason text,
    detail text,
    sent_at timestamptz,
    primary key (id, profile_id)
);
create index delivery_intervention_of on delivery_intervention (delivery_id);
create index delivery_intervention_person on delivery_intervention (profile_id);

-- Proof that somebody can be reached where they say: a code by one channel, or by each of two. A code is in no table: it
-- follows from its seed and the installation's secret, and the seed goes when the verification ends.
create table verification (
    id bigint generated always as identity,
    key text not null,
    profile_id bigint not null,
    state text not null default 'pending' check (state in ('pending', 'passed', 'locked', 'expired', 'failed', 'cancelled')),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    created_by text not null,
    language text,
    content jsonb,
    primary key (id, profile_id),
    unique (profile_id, key)
);
create index verification_person on verification (profile_id) where profile_id <> 0;
create index verification_open on verification (expires_at) where state = 'pending';
create index verification_ended on verification (ended_at) where ended_at is not null;

create table verification_factor (
    verification_id bigint not null,
    profile_id bigint not null,
    factor smallint not null,
    channel text not null,
    address text,
    digest bytea not null,
    fallback text,
    delivery_ids bigint[] not null default '{}',
    seed bytea,
    length smallint not null,
    wrong smallint not null default 0,
    most_wrong smallint not null,
    sendings smallint not null default 1,
    most_sendings smallint not null,
    sent_at timestamptz not null,
    passed_at timestamptz,
    primary key (verification_id, profile_id, factor),
    foreign key (verification_id, profile_id) references verification (id, profile_id) on delete cascade
);
create index verification_factor_address on verification_factor (digest, sent_at);
