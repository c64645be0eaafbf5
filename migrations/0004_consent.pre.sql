-- What a customer may be written to about.
create table topic (
    name text primary key check (name ~ '^[a-z][a-z0-9_-]{0,39}$'),
    title text not null,
    description text not null default '',
    created_at timestamptz not null default clock_timestamp()
);
insert into topic (name, title, description) values
    ('news', 'News and offers', 'Product news, offers and promotions');

-- The consent ledger: each row is something a customer said, with its evidence. Rows are only ever added.
create table consent (
    id bigint generated always as identity,
    profile_id bigint not null references profile (id),
    channel text not null,
    topic text not null references topic (name),
    state text not null check (state in ('granted', 'withdrawn', 'pending')),
    at timestamptz not null,
    source text not null,
    evidence jsonb not null default '{}',
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (profile_id, id)
);

create function consent_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the consent ledger is append-only';
end $$;
create trigger consent_append_only before update on consent
    for each statement execute function consent_is_append_only();

-- The latest word of each customer on each channel and topic, kept by the statement that appends to the ledger.
create table consent_state (
    profile_id bigint not null,
    channel text not null,
    topic text not null,
    state text not null,
    at timestamptz not null,
    consent_id bigint not null,
    primary key (profile_id, channel, topic)
) with (fillfactor = 85);

-- Addresses nothing is sent to, whoever they belong to.
create table suppression (
    channel text not null,
    address text not null,
    reason text not null check (reason in ('hard_bounce', 'complaint', 'manual')),
    source text not null default '',
    at timestamptz not null,
    primary key (channel, address)
);
create index suppression_recent on suppression (at desc, channel, address);
