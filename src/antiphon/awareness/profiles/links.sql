-- name: look_up
-- What is known of the nth of these identities: whose it is, where it comes from, and the claim that brought it.
select w.n, coalesce(a.to_id, i.profile_id), coalesce(i.origin_id, i.profile_id), i.with_kind, i.with_value,
    coalesce(i.stamp, ''), i.seen - '1970-01-01'::date, i.shared, case when h.born <> '' then h.born else coalesce(h.stamp, '') end
from unnest(%(kinds)s::text[], %(values)s::text[]) with ordinality w (kind, value, n)
join identity i on i.kind = w.kind and i.value = w.value
left join alias a on a.from_id = i.profile_id
left join profile h on h.id = coalesce(i.origin_id, i.profile_id);

-- name: whose
-- Whose the nth of these identities is, merges followed.
select w.n, coalesce(a.to_id, i.profile_id)
from unnest(%(kinds)s::text[], %(values)s::text[]) with ordinality w (kind, value, n)
join identity i on i.kind = w.kind and i.value = w.value
left join alias a on a.from_id = i.profile_id;

-- name: still
-- How many of these identities are whose they were.
select count(*) from unnest(%(kinds)s::text[], %(values)s::text[], %(ids)s::bigint[]) w (kind, value, id)
join identity i on i.kind = w.kind and i.value = w.value
left join alias a on a.from_id = i.profile_id
where coalesce(a.to_id, i.profile_id) = w.id;

-- name: sizes
-- How many identities these people have, and whether there are any that a household may share.
select profile_id, count(*), bool_or(kind = any(%(households)s::text[])) from identity where profile_id = any(%(ids)s::bigint[]) group by profile_id;

-- name: see
-- Identities that may come back as another's were named with their own.
update identity i set seen = '1970-01-01'::date + g.seen
from unnest(%(kinds)s::text[], %(values)s::text[], %(seens)s::int[]) g (kind, value, seen)
where i.kind = g.kind and i.value = g.value and (i.seen is null or i.seen < '1970-01-01'::date + g.seen);

-- name: scope
-- The same for every identity of these people.
select i.kind, i.value, i.profile_id, coalesce(i.origin_id, i.profile_id), i.with_kind, i.with_value,
    coalesce(i.stamp, ''), i.seen - '1970-01-01'::date, i.shared, case when h.born <> '' then h.born else coalesce(h.stamp, '') end
from identity i
left join profile h on h.id = coalesce(i.origin_id, i.profile_id)
where i.profile_id = any(%(ids)s::bigint[]);

-- name: claims
-- Every further claim about these identities, whichever end of it they are.
select c.with_kind, c.with_value, c.kind, c.value, c.stamp, coalesce(c.seen - '1970-01-01'::date, -1000000), c.state
from unnest(%(kinds)s::text[], %(values)s::text[]) w (kind, value)
join identity_claim c on c.kind = w.kind and c.value = w.value
union
select c.with_kind, c.with_value, c.kind, c.value, c.stamp, coalesce(c.seen - '1970-01-01'::date, -1000000), c.state
from unnest(%(kinds)s::text[], %(values)s::text[]) w (kind, value)
join identity_claim c on c.with_kind = w.kind and c.with_value = w.value;

-- name: hold
-- Hold these people, in one order for everybody; with under which identity their traits were said, and whether there are any.
select p.id, coalesce(p.head, (
    select i.kind || ' ' || i.value from identity i
    where i.profile_id = p.id and i.with_kind is null and i.origin_id is null
    order by case i.kind when 'user_id' then 0 when 'email' then 1 when 'phone' then 2 when 'whatsapp' then 3 when 'telegram' then 4
        when 'push_subscription' then 8 when 'device' then 8 when 'anonymous_id' then 9 else 5 end, i.kind, i.value limit 1
), ''), p.traits = '{}' and p.stamps = '{}'
from profile p where p.id = any(%(ids)s::bigint[]) and p.merged_into is null order by p.id for no key update of p;

-- name: make_profiles
-- New people; one who came with a single message has its traits at once, and remembers it.
insert into profile (id, traits, stamp, head, born, first_seen, last_seen)
select id, case when exists (select from trait_rule where computed or type is not null or allowed is not null) then heeded(id, traits) else traits end,
    stamp, head, born, first, last
from unnest(%(ids)s::bigint[], %(traits)s::jsonb[], %(stamps)s::text[], %(heads)s::text[], %(borns)s::text[],
    %(firsts)s::timestamptz[], %(lasts)s::timestamptz[]) n (id, traits, stamp, head, born, first, last);

-- name: give
-- In one order for everybody; whoever was faster keeps the identity, and the caller thinks again.
insert into identity (kind, value, profile_id, with_kind, with_value, stamp, seen, shared)
select kind, value, profile_id, with_kind, with_value, stamp, case when seen > -1000000 then '1970-01-01'::date + seen end, shared = 1
from unnest(%(kinds)s::text[], %(values)s::text[], %(ids)s::bigint[], %(with_kinds)s::text[], %(with_values)s::text[], %(stamps)s::text[],
    %(seens)s::int[], %(shareds)s::int[]) g (kind, value, profile_id, with_kind, with_value, stamp, seen, shared)
order by kind, value
on conflict do nothing;

-- name: change
-- Identities whose owner or claim is another now; all their people are held.
update identity i
set profile_id = g.profile_id, origin_id = nullif(g.home_id, g.profile_id), with_kind = g.with_kind, with_value = g.with_value,
    stamp = g.stamp, seen = case when g.seen > -1000000 then '1970-01-01'::date + g.seen end, shared = g.shared = 1
from unnest(%(kinds)s::text[], %(values)s::text[], %(ids)s::bigint[], %(homes)s::bigint[], %(with_kinds)s::text[], %(with_values)s::text[],
    %(stamps)s::text[], %(seens)s::int[], %(shareds)s::int[]) g (kind, value, profile_id, home_id, with_kind, with_value, stamp, seen, shared)
where i.kind = g.kind and i.value = g.value;

-- name: note_claims
-- Further claims: the earliest stamp and the last day count; what a person said of one stays said.
insert into identity_claim (kind, value, with_kind, with_value, stamp, seen, state, who)
select kind, value, with_kind, with_value, stamp, case when seen > -1000000 then '1970-01-01'::date + seen end, state, %(who)s
from unnest(%(kinds)s::text[], %(values)s::text[], %(with_kinds)s::text[], %(with_values)s::text[], %(stamps)s::text[], %(seens)s::int[],
    %(states)s::text[]) g (kind, value, with_kind, with_value, stamp, seen, state)
order by kind, value, with_kind, with_value
on conflict (kind, value, with_kind, with_value) do update
set stamp = least(identity_claim.stamp, excluded.stamp), seen = greatest(identity_claim.seen, excluded.seen),
    state = case when excluded.state = 'said' then identity_claim.state else excluded.state end,
    who = coalesce(excluded.who, identity_claim.who);

-- name: aliases_into
-- Who was merged into these people.
select from_id, to_id from alias where to_id = any(%(ids)s::bigint[]);

-- name: merge_away
-- These were found to be part of others.
insert into alias (from_id, to_id, into_id, at, reason, who)
select from_id, into_id, into_id, %(at)s, %(reason)s, %(who)s from unnest(%(froms)s::bigint[], %(intos)s::bigint[]) m (from_id, into_id);

-- name: repoint
-- Those merged away lead to where their identities are now.
with moved as (
    update alias a set to_id = m.into_id from unnest(%(froms)s::bigint[], %(intos)s::bigint[]) m (from_id, into_id) where a.from_id = m.from_id
)
update profile p set merged_into = m.into_id
from unnest(%(froms)s::bigint[], %(intos)s::bigint[]) m (from_id, into_id) where p.id = m.from_id;

-- name: retire
-- The merged-away stay as rows without traits.
update profile p set traits = '{}', stamps = '{}', stamp = '', born = case when born <> '' then born else stamp end, head = '',
    merged_into = m.into_id, updated_at = clock_timestamp()
from unnest(%(froms)s::bigint[], %(intos)s::bigint[]) m (from_id, into_id) where p.id = m.from_id;

-- name: revive
-- They are people of their own again.
with gone as (delete from alias where from_id = any(%(ids)s::bigint[]))
update profile set merged_into = null, head = '', updated_at = clock_timestamp() where id = any(%(ids)s::bigint[]);

-- name: return_memberships
-- Groups somebody was in only by those who left.
delete from membership m where m.origin_id = any(%(ids)s::bigint[]);

-- name: traits_of
-- What is known of these people, trait by trait.
select id, traits, stamps, stamp from profile where id = any(%(ids)s::bigint[]);

-- name: said_of
-- What was said under these identities.
select s.kind, s.value, s.traits, s.stamps
from unnest(%(kinds)s::text[], %(values)s::text[]) w (kind, value) join said s on s.kind = w.kind and s.value = w.value;

-- name: write_people
-- Traits worked out anew, out of what was said under each identity.
update profile p set traits = w.traits, stamps = w.stamps, stamp = '', born = case when born <> '' then born else stamp end, head = '',
    updated_at = clock_timestamp()
from unnest(%(ids)s::bigint[], %(traits)s::jsonb[], %(stamps)s::jsonb[]) w (id, traits, stamps) where p.id = w.id;

-- name: write_said
-- What was said under an identity, whole.
insert into said (kind, value, traits, stamps)
select * from unnest(%(kinds)s::text[], %(values)s::text[], %(traits)s::jsonb[], %(stamps)s::jsonb[])
on conflict (kind, value) do update set traits = excluded.traits, stamps = excluded.stamps;

-- name: part
-- From now on it is kept under which identity a trait of these people was said: until now it was one.
with parts as (
    insert into said (kind, value, traits, stamps)
    select w.kind, w.value, p.traits, (select coalesce(jsonb_object_agg(k, p.stamp), '{}') from jsonb_object_keys(p.traits) k) || p.stamps
    from unnest(%(ids)s::bigint[], %(kinds)s::text[], %(values)s::text[]) w (id, kind, value) join profile p on p.id = w.id
    on conflict do nothing
)
update profile p set head = '' where id = any(%(ids)s::bigint[]);

-- name: set_heads
-- Nothing was said of them before: from now on it is under these identities.
update profile p set head = w.head from unnest(%(ids)s::bigint[], %(heads)s::text[]) w (id, head) where p.id = w.id;

-- name: speakers
-- Of people of whom is spoken under several identities: the strongest.
select distinct on (p.id) p.id, i.kind, i.value from profile p join identity i on i.profile_id = p.id
where p.id = any(%(ids)s::bigint[]) and p.head = ''
order by p.id, case i.kind when 'user_id' then 0 when 'email' then 1 when 'phone' then 2 when 'whatsapp' then 3 when 'telegram' then 4
    when 'push_subscription' then 8 when 'device' then 8 when 'anonymous_id' then 9 else 5 end, i.kind, i.value;

-- name: say
-- What was said under identities, each trait by its stamp; a removed one is remembered by its stamp alone.
with incoming as (
    select w.kind, w.value, t.key, t.value as said, w.stamp
    from (
        select kind, value, stamp, case when exists (select from trait_rule where computed or type is not null or allowed is not null)
            then heeded(id, traits) else traits end as traits
        from unnest(%(ids)s::bigint[], %(kinds)s::text[], %(values)s::text[], %(traits)s::jsonb[], %(stamps)s::text[])
            w (id, kind, value, traits, stamp)
    ) w
    cross join lateral jsonb_each(w.traits) t
),
best as (
    select distinct on (kind, value, key) kind, value, key, said, stamp
    from incoming order by kind, value, key, stamp collate "C" desc, said desc
),
fresh as (
    select b.* from best b left join said s on s.kind = b.kind and s.value = b.value
    where b.stamp collate "C" > coalesce(s.stamps ->> b.key, '')
),
patch as (
    select kind, value, coalesce(jsonb_object_agg(key, said) filter (where said <> 'null'), '{}') as said,
        coalesce(array_agg(key) filter (where said = 'null'), '{}') as unsaid, jsonb_object_agg(key, stamp) as stamps
    from fresh group by kind, value
)
insert into said (kind, value, traits, stamps) select kind, value, said, stamps from patch order by kind, value
on conflict (kind, value) do update
set traits = (said.traits || excluded.traits)
        - coalesce((select array_agg(k) from jsonb_object_keys(excluded.stamps) k where not excluded.traits ? k), '{}'),
    stamps = said.stamps || excluded.stamps;

-- name: proposals_about
-- Proposals that concern these people, as the people they are now.
with everyone as materialized (
    select unnest(%(ids)s::bigint[]) as id union select from_id from alias where to_id = any(%(ids)s::bigint[])
)
select p.id, coalesce(a.to_id, p.low_id), coalesce(b.to_id, p.high_id), p.kind, p.value, p.state, p.question
from merge_proposal p left join alias a on a.from_id = p.low_id left join alias b on b.from_id = p.high_id
where p.low_id in (select id from everyone) or p.high_id in (select id from everyone);

-- name: drop_proposals
-- What is asked no longer.
delete from merge_proposal where id = any(%(ids)s::bigint[]) and state = 'open';

-- name: rephrase_proposals
-- What is asked about another identity, or in another way.
update merge_proposal p set kind = w.kind, value = w.value, question = w.question
from unnest(%(ids)s::bigint[], %(kinds)s::text[], %(values)s::text[], %(questions)s::text[]) w (id, kind, value, question)
where p.id = w.id and p.state = 'open';

-- name: propose
-- Two known people who seem to be one, or a number that came to another; a pair that was decided is not offered again.
insert into merge_proposal (low_id, high_id, kind, value, question)
select * from unnest(%(lows)s::bigint[], %(highs)s::bigint[], %(kinds)s::text[], %(values)s::text[], %(questions)s::text[])
on conflict do nothing;

-- name: turn_epoch
-- Everybody forgets whose an identity is, from their next transaction on.
update identity_epoch set epoch = epoch + 1;
