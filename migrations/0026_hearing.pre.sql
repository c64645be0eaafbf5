-- Which message of ours a provider's own id names: written with the receipt, read when news of it comes back. A message of
-- several parts has several. Gone when no news of it is to be expected any more.
create table provider_message (
    account_id bigint not null,
    provider_id text not null,
    delivery_id bigint not null,
    profile_id bigint not null,
    at timestamptz not null,
    primary key (account_id, provider_id, profile_id)
) with (autovacuum_vacuum_scale_factor = 0.05);
create index provider_message_at on provider_message using brin (at);

-- News that came before the row it is about: tried again until it is there, or forgotten, and counted, when its time is out.
create table signal_waiting (
    id bigint generated always as identity primary key,
    account_id bigint not null,
    provider_id text,
    delivery_id bigint,
    address text,
    body bytea not null,
    at timestamptz not null,
    expires_at timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
create index signal_waiting_provider on signal_waiting (account_id, provider_id) where provider_id is not null;
create index signal_waiting_expires on signal_waiting (expires_at);

-- News that must not be counted twice however often it is told (replies, opens, clicks, keywords), by digest alone.
create table signal_heard (
    account_id bigint not null,
    digest bytea not null,
    at timestamptz not null,
    primary key (account_id, digest)
);
create index signal_heard_at on signal_heard using brin (at);

-- Calls at an account's callback address that were refused, by cause: forged, replayed, too large, unreadable, ...
create table callback_refused (
    account_id bigint not null,
    cause text not null,
    count bigint not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    last_detail text not null default '',
    primary key (account_id, cause)
);

-- Each open and click, and whether a person or a machine did it, by which rule of which version. The network is the address
-- shortened (/24, /48), the visitor a keyed hash of the whole.
create table engagement (
    id bigint generated always as identity,
    profile_id bigint not null,
    delivery_id bigint not null,
    at timestamptz not null,
    kind text not null check (kind in ('opened', 'clicked')),
    link_id bigint,
    url text,
    method text not null default 'GET',
    agent text not null default '',
    network text not null default '',
    visitor bytea,
    class text not null check (class in ('person', 'machine')),
    rule text not null,
    rules_version smallint not null,
    by_hand boolean not null default false,
    primary key (profile_id, id)
) with (autovacuum_vacuum_scale_factor = 0.05);
create index engagement_delivery on engagement (delivery_id);
create index engagement_id on engagement (id);
create index engagement_at on engagement using brin (at);

-- When its provider last said that it is still trying; and how often what was counted of opens and clicks was put right.
alter table delivery
    add column deferred_at timestamptz,
    add column corrections smallint not null default 0;
