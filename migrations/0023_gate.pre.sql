-- What is said counts towards caps from the moment it passes the gate until it turns out not to be said: one narrow row,
-- read by its index alone (person, time), never touched by receipts, and pruned when no cap looks back so far. Written by the
-- gate only, for classes that caps may count. profile_id is the person's own id, also after merges.
create table contact_kind (
    id integer generated always as identity primary key,
    message_class text not null,
    channel text not null,
    topic text,
    urgency smallint not null,
    unique nulls not distinct (message_class, channel, topic, urgency)
);
create table contact (
    profile_id bigint not null,
    at timestamptz not null,
    delivery_id bigint not null,
    kind integer not null
) with (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_vacuum_scale_factor = 0.05);
create unique index contact_person on contact (profile_id, at, delivery_id) include (kind);

-- A message that ends without being said leaves no contact. `from` is the ledger's person, who may be another's by now.
create function delivery_was_not_said() returns trigger language plpgsql as $$
begin
    delete from contact
    where delivery_id = new.id
      and profile_id in (select new.profile_id union all select to_id from alias where from_id = new.profile_id);
    return null;
end $$;
create trigger delivery_not_said after update of state on delivery for each row
    when (new.state in ('failed', 'expired', 'cancelled', 'suppressed') and old.state not in ('failed', 'expired', 'cancelled', 'suppressed'))
    execute function delivery_was_not_said();

-- How urgent a message is among those of its class: 0 (most) to 9.
alter table dispatch add column priority smallint not null default 5 check (priority between 0 and 9);

-- The gate's rules that are one for the installation. `quiet` and `windows` by message class: {"marketing": {"from": "21:00",
-- "to": "08:00"}} and {"marketing": [{"days": [1, 2, 3, 4, 5], "from": "09:00", "to": "18:00"}]}, by the customer's clock;
-- `timezone` is the clock of customers whose own is not known. Every change of any rule moves `version`.
create table delivery_rule (
    one boolean primary key default true check (one),
    version bigint not null default 1,
    timezone text not null default 'UTC',
    quiet jsonb not null default '{}',
    windows jsonb not null default '{}',
    contacts_pruned_to bigint not null default 0,
    contacts_pruned_at timestamptz
);
insert into delivery_rule default values;

-- Which channels suit which purpose. default: taken when nobody says otherwise, in the order of rank; allowed: may be used;
-- reserve: only with another channel, as a hop of a chain; refused: never. What is not here is allowed.
create table purpose (
    name text primary key,
    title text not null,
    rank smallint not null
);
create table suitability (
    purpose text not null references purpose (name),
    channel text not null,
    verdict text not null check (verdict in ('default', 'allowed', 'reserve', 'refused')),
    rank smallint not null default 0,
    primary key (purpose, channel)
);
insert into purpose (name, title, rank) values
    ('one_time_code', 'One-time code', 1), ('urgent_alert', 'Urgent alert', 2), ('order_status', 'Order status', 3),
    ('payment_reminder', 'Payment reminder', 4), ('appointment', 'Appointment', 5), ('account', 'Account and service', 6),
    ('product_news', 'Product news', 7), ('newsletter', 'Newsletter', 8), ('promotion', 'Promotion', 9), ('survey', 'Survey', 10);
insert into suitability (purpose, channel, verdict, rank) values
    ('one_time_code', 'sms', 'default', 1), ('one_time_code', 'voice', 'allowed', 0), ('one_time_code', 'push', 'allowed', 0),
    ('one_time_code', 'email', 'reserve', 0), ('one_time_code', 'print', 'refused', 0),
    ('urgent_alert', 'sms', 'default', 1), ('urgent_alert', 'push', 'default', 2), ('urgent_alert', 'voice', 'allowed', 0),
    ('urgent_alert', 'email', 'reserve', 0), ('urgent_alert', 'print', 'refused', 0),
    ('order_status', 'email', 'default', 1), ('order_status', 'push', 'default', 2), ('order_status', 'sms', 'allowed', 0),
    ('payment_reminder', 'sms', 'default', 1), ('payment_reminder', 'email', 'default', 2), ('payment_reminder', 'voice', 'allowed', 0),
    ('appointment', 'sms', 'default', 1), ('appointment', 'email', 'default', 2), ('appointment', 'voice', 'allowed', 0),
    ('account', 'email', 'default', 1), ('account', 'sms', 'allowed', 0), ('account', 'print', 'allowed', 0),
    ('product_news', 'email', 'default', 1), ('product_news', 'push', 'allowed', 0), ('product_news', 'sms', 'allowed', 0),
    ('product_news', 'voice', 'refused', 0),
    ('newsletter', 'email', 'default', 1), ('newsletter', 'sms', 'refused', 0), ('newsletter', 'voice', 'refused', 0),
    ('newsletter', 'push', 'refused', 0), ('newsletter', 'print', 'allowed', 0),
    ('promotion', 'email', 'default', 1), ('promotion', 'push', 'default', 2), ('promotion', 'sms', 'allowed', 0),
    ('promotion', 'voice', 'refused', 0),
    ('survey', 'email', 'default', 1), ('survey', 'sms', 'allowed', 0), ('survey', 'voice', 'refused', 0);

-- No more than so many messages in any stretch of so many seconds, of these classes, topics and channels together (empty: all).
create table frequency_cap (
    id bigint generated always as identity primary key,
    name text not null unique,
    most integer not null check (most between 1 and 1000),
    seconds integer not null check (seconds between 60 and 31622400),
    classes text[] not null,
    topics text[] not null default '{}',
    channels text[] not null default '{}',
    enabled boolean not null default true,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

-- People who are not written to, to measure what messages do: who is in is a keyed hash of person, salt and period. The
-- universal one is held out of all marketing; named ones by whoever names them.
create table holdout (
    name text primary key,
    title text not null default '',
    percent double precision not null check (percent >= 0 and percent <= 50),
    salt text not null,
    period text not null default 'always' check (period in ('always', 'year', 'quarter', 'month')),
    enabled boolean not null default true,
    updated_at timestamptz not null
);

-- The gate asks for duplicates by person now: the ledger's addresses are looked up by nothing else with them.
drop index delivery_address;
create index delivery_address on delivery (address);
