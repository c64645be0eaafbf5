-- Identities that remember who claimed them, so that the order of arrival does not change whose they are.

-- What there is to know of a kind of identity, where it differs from what is built in; kinds of the customer's own are
-- declared here.
create table identity_kind (
    name        text primary key,
    title       text not null,
    form        text not null check (form in ('exact', 'lower', 'card', 'handle', 'email', 'phone')),
    household   boolean not null,
    proposes    boolean not null,
    most        int not null check (most between 1 and 100000),
    people      int not null check (people between 1 and 10000),
    quiet_days  int not null check (quiet_days between 0 and 36500),
    changed_at  timestamptz not null default now()
);

-- The claim that brought the identity: a message named it (at `stamp`) together with `with_kind`, `with_value`, which is
-- the stronger of the two. with_kind null: it was born with its profile, in one message with the profile's stamp `born`,
-- together with the strongest that was; '': no other identity came with it. `seen` is the last day it was claimed so, kept
-- for kinds that may come back as another person's. Both are always the same person's; a claim across people is beside. A shared one links nobody any more.
alter table identity
    add column with_kind text collate "C",
    add column with_value text collate "C",
    add column stamp text collate "C",
    add column seen date,
    add column shared boolean not null default false;

-- The claims beyond the first, those a person made (`word`: these two are one), and those a person took back (`cut`).
create table identity_claim (
    kind       text collate "C" not null,
    value      text collate "C" not null,
    with_kind  text collate "C" not null,
    with_value text collate "C" not null,
    stamp      text collate "C" not null,
    seen       date,
    state      text not null default 'said' check (state in ('said', 'word', 'cut')),
    who        text,
    at         timestamptz not null default now(),
    primary key (kind, value, with_kind, with_value)
);
create index identity_claim_with on identity_claim (with_kind, with_value);

-- What was said of a person under one of their identities, where it was said under several: a part of their traits, which
-- goes where the identity goes.
create table said (
    kind   text collate "C" not null,
    value  text collate "C" not null,
    traits jsonb not null default '{}',
    stamps jsonb not null default '{}',
    primary key (kind, value)
);

-- born: the stamp of the message that made the profile and gave it its first identities. head: under which identity all of
-- its traits were said, as `kind value`; null: under the strongest it was born with; '': under several, see `said`.
alter table profile
    add column born text collate "C" not null default '',
    add column head text collate "C";

-- What is asked: are they one person, or did the number come to another person?
alter table merge_proposal
    add column question text not null default 'one_person' check (question in ('one_person', 'recycled')),
    add column undo jsonb not null default '{}';

-- Merges were undone from what both sides had been; now from what was said under each identity.
insert into said (kind, value, traits, stamps)
select distinct on (i.kind, i.value) i.kind, i.value, a.traits,
    (select coalesce(jsonb_object_agg(k, a.stamp), '{}') from jsonb_object_keys(a.traits) k) || a.stamps
from alias a
join lateral (
    select kind, value from identity where coalesce(origin_id, profile_id) = a.from_id and profile_id = a.to_id
    order by array_position(array['user_id', 'email', 'phone'], kind), kind, value limit 1
) i on true;
insert into said (kind, value, traits, stamps)
select i.kind, i.value, p.traits, (select coalesce(jsonb_object_agg(k, p.stamp), '{}') from jsonb_object_keys(p.traits) k) || p.stamps
from profile p
join lateral (
    select kind, value from identity where profile_id = p.id and origin_id is null
    order by array_position(array['user_id', 'email', 'phone'], kind), kind, value limit 1
) i on true
where p.id in (select to_id from alias)
on conflict do nothing;
update profile set head = '' where id in (select to_id from alias);
alter table alias
    drop column traits, drop column stamps, drop column stamp,
    drop column target_traits, drop column target_stamps, drop column target_stamp;
