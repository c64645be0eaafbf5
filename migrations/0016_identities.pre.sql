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

-- Merges were undone from what both sides had been; now from what was said under each identity, and each merge from the claim
-- that joined them. So of everybody who was merged, or merged into: the surest identity that was theirs,
create temporary table surest on commit drop as
select distinct on (profile_id, home) coalesce(origin_id, profile_id) as home, profile_id, kind, value,
    case kind when 'user_id' then 0 when 'email' then 1 when 'phone' then 2 when 'whatsapp' then 3 when 'telegram' then 4
        when 'push_subscription' then 8 when 'device' then 8 when 'anonymous_id' then 9 else 5 end as strength
from identity
where profile_id in (select to_id from alias union select coalesce(a.to_id, w.id)
    from merge_proposal p cross join lateral (values (p.low_id), (p.high_id)) w (id) left join alias a on a.from_id = w.id
    where p.state = 'open')
order by profile_id, home, strength, kind, value;
-- and what was said of them alone: what they had when somebody was first merged into them, and what was said since.
with whole as (
    select a.from_id as id, a.traits, a.stamps, a.stamp from alias a
    union all
    select p.id, p.traits, p.stamps, p.stamp from profile p where p.id in (select to_id from alias)
),
first as (
    select distinct on (into_id) into_id as id, target_traits as traits, target_stamps as stamps, target_stamp as stamp
    from alias order by into_id, at, from_id
),
entry as (
    select 'whole' as part, w.id, n.name, w.traits -> n.name as value, coalesce(w.stamps ->> n.name, w.stamp) as stamp
    from whole w cross join lateral (select jsonb_object_keys(w.traits) union select jsonb_object_keys(w.stamps)) n (name)
    union all
    select 'first', f.id, n.name, f.traits -> n.name, coalesce(f.stamps ->> n.name, f.stamp)
    from first f cross join lateral (select jsonb_object_keys(f.traits) union select jsonb_object_keys(f.stamps)) n (name)
),
own as (
    select distinct on (e.id, e.name) e.id, e.name, e.value, e.stamp
    from entry e
    where e.part = 'first' or not exists (
        select from alias a join entry lost on lost.part = 'whole' and lost.id = a.from_id
        where a.into_id = e.id and lost.name = e.name and lost.stamp = e.stamp and lost.value is not distinct from e.value
    )
    order by e.id, e.name, e.stamp collate "C" desc, e.value desc
)
insert into said (kind, value, traits, stamps)
select s.kind, s.value, coalesce(jsonb_object_agg(o.name, o.value) filter (where o.value is not null), '{}'), jsonb_object_agg(o.name, o.stamp)
from own o join surest s on s.home = o.id group by s.kind, s.value;
insert into identity_claim (kind, value, with_kind, with_value, stamp, seen, state, who, at)
select weak.kind, weak.value, strong.kind, strong.value,
    case when a.who is null then lpad((extract(epoch from a.at) * 1000000)::bigint::text, 16, '0') || ' ' else '' end,
    case when a.who is null then (a.at at time zone 'UTC')::date end, case when a.who is null then 'said' else 'word' end, a.who, a.at
from alias a
join surest gone on gone.home = a.from_id and gone.profile_id = a.to_id
join lateral (
    select * from surest s where s.profile_id = a.to_id and s.home <> a.from_id
    order by s.home <> a.into_id, s.home <> a.to_id, s.strength, s.kind, s.value limit 1
) stays on true
cross join lateral (select * from (values (gone.kind, gone.value, gone.strength), (stays.kind, stays.value, stays.strength)) v (kind, value, strength)
    order by v.strength, v.kind, v.value limit 1) strong
cross join lateral (select * from (values (gone.kind, gone.value, gone.strength), (stays.kind, stays.value, stays.strength)) v (kind, value, strength)
    order by v.strength desc, v.kind desc, v.value desc limit 1) weak
on conflict do nothing;
-- What was proposed rests on a claim, too: whoever does not have the identity named it.
insert into identity_claim (kind, value, with_kind, with_value, stamp, seen)
select p.kind, p.value, s.kind, s.value, lpad((extract(epoch from p.created_at) * 1000000)::bigint::text, 16, '0') || ' ',
    (p.created_at at time zone 'UTC')::date
from merge_proposal p
join identity i on i.kind = p.kind and i.value = p.value
cross join lateral (
    select coalesce((select to_id from alias where from_id = p.low_id), p.low_id) as low,
        coalesce((select to_id from alias where from_id = p.high_id), p.high_id) as high
) now
join lateral (
    select * from surest s where s.profile_id = case i.profile_id when now.low then now.high else now.low end
    order by s.home not in (p.low_id, p.high_id), s.strength, s.kind, s.value limit 1
) s on true
where p.state = 'open' and now.low <> now.high and i.profile_id in (now.low, now.high)
on conflict do nothing;
update merge_proposal p
set undo = jsonb_build_object('gone', a.from_id, 'word', jsonb_build_array(c.with_kind, c.with_value, c.kind, c.value))
from alias a join surest s on s.home = a.from_id and s.profile_id = a.to_id
join identity_claim c on c.state = 'word' and c.at = a.at and ((c.kind, c.value) = (s.kind, s.value) or (c.with_kind, c.with_value) = (s.kind, s.value))
where p.state = 'accepted' and (a.from_id, a.into_id) in ((p.low_id, p.high_id), (p.high_id, p.low_id));
update profile p set born = a.stamp from alias a where p.id = a.from_id;
update profile p set head = '', born = a.target_stamp
from (select distinct on (to_id) to_id, target_stamp from alias where into_id = to_id order by to_id, at, from_id) a where p.id = a.to_id;
alter table alias
    drop column traits, drop column stamps, drop column stamp,
    drop column target_traits, drop column target_stamps, drop column target_stamp;
