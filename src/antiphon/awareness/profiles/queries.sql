-- name: owners
-- Whose these identities are now, merges followed.
select i.kind, i.value, coalesce(a.to_id, i.profile_id)
from unnest(%(kinds)s::text[], %(values)s::text[]) w (kind, value)
join identity i on i.kind = w.kind and i.value = w.value
left join alias a on a.from_id = i.profile_id;

-- name: lock_profiles
-- Hold these profiles, in one order for everybody, so that two who link people cannot wait for each other.
select id from profile where id = any(%(ids)s::bigint[]) and merged_into is null order by id for no key update;

-- name: next_ids
-- Ids for profiles to be made.
select nextval(pg_get_serial_sequence('profile', 'id')) from generate_series(1, %(count)s);

-- name: copy_memberships
-- The groups as well; the old rows stay for an undoing.
insert into membership (profile_id, group_id, origin_id, joined_at)
select m.into_id, g.group_id, m.from_id, min(g.joined_at)
from unnest(%(froms)s::bigint[], %(intos)s::bigint[]) m (from_id, into_id)
join membership g on g.profile_id = m.from_id
group by m.into_id, g.group_id, m.from_id
on conflict do nothing;

-- name: widen_seen
-- The survivor was first seen when the first of them was.
update profile p set first_seen = least(p.first_seen, s.first_seen), last_seen = greatest(p.last_seen, s.last_seen)
from (
    select m.into_id, min(f.first_seen) as first_seen, max(f.last_seen) as last_seen
    from unnest(%(froms)s::bigint[], %(intos)s::bigint[]) m (from_id, into_id)
    join profile f on f.id = m.from_id group by m.into_id
) s
where p.id = s.into_id;

-- name: merge_traits
-- Trait by trait the later (timestamp, messageId) wins, whatever arrived first; null removes; what a rule refuses is not heard,
-- nor is a further trait of somebody whose traits take 256 KB.
with incoming as (
    select profile_id, stamp, case when exists (select from trait_rule where computed or type is not null or allowed is not null)
        then heeded(profile_id, traits) else traits end as traits
    from unnest(%(ids)s::bigint[], %(traits)s::jsonb[], %(stamps)s::text[]) i (profile_id, traits, stamp)
),
best as (
    select distinct on (i.profile_id, t.key) i.profile_id, t.key, t.value, i.stamp
    from incoming i cross join lateral jsonb_each(i.traits) t
    order by i.profile_id, t.key, i.stamp collate "C" desc, t.value desc
),
fresh as (
    select b.* from best b join profile p on p.id = b.profile_id
    where b.stamp collate "C" > coalesce(p.stamps ->> b.key, case when p.traits ? b.key then p.stamp end, '')
        and (pg_column_size(p.traits) < 262144 or p.traits ? b.key)
),
patch as (
    select profile_id, coalesce(jsonb_object_agg(key, value) filter (where value <> 'null'), '{}') as said,
        coalesce(array_agg(key) filter (where value = 'null'), '{}') as unsaid, jsonb_object_agg(key, stamp) as stamps
    from fresh group by profile_id
)
update profile p
set traits = (p.traits || patch.said) - patch.unsaid, stamps = p.stamps || patch.stamps, updated_at = clock_timestamp()
from patch where p.id = patch.profile_id
returning p.id;

-- name: mark_dirty
-- These profiles wait to be copied into the lake's mirror and to be found by their words.
with ids as (select distinct id from unnest(%(ids)s::bigint[]) i (id) order by id),
unindexed as (insert into profile_unindexed (profile_id) select id from ids on conflict do nothing)
insert into profile_dirty (profile_id, version) select id, nextval('profile_version') from ids order by id
on conflict (profile_id) do update set version = excluded.version;

-- name: touch
-- When they were last seen, to the hour; rows somebody else holds are left for the next time.
update profile p set first_seen = least(p.first_seen, s.first), last_seen = greatest(p.last_seen, s.last)
from (
    select t.first, t.last, held.id
    from unnest(%(ids)s::bigint[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[]) t (id, first, last)
    join lateral (
        select id from profile
        where profile.id = t.id and (last_seen is null or first_seen is null or t.last > last_seen or t.first < first_seen)
        for no key update skip locked
    ) held on true
) s
where p.id = s.id;

-- name: join_groups
-- Memberships, since the earliest time told.
insert into membership (profile_id, group_id, joined_at)
select profile_id, group_id, min(joined_at)
from unnest(%(ids)s::bigint[], %(groups)s::text[], %(ats)s::timestamptz[]) m (profile_id, group_id, joined_at)
group by profile_id, group_id order by profile_id, group_id
on conflict (profile_id, group_id) do update set joined_at = least(membership.joined_at, excluded.joined_at);

-- name: make_groups
-- Groups exist from their first mention.
insert into customer_group (id) select distinct id from unnest(%(groups)s::text[]) g (id) order by id on conflict do nothing;

-- name: merge_group_traits
-- A group's traits, by the same rule as a customer's.
with best as (
    select distinct on (i.id, t.key) i.id, t.key, t.value, i.stamp
    from unnest(%(groups)s::text[], %(traits)s::jsonb[], %(stamps)s::text[]) i (id, traits, stamp)
    cross join lateral jsonb_each(i.traits) t
    order by i.id, t.key, i.stamp collate "C" desc, t.value desc
),
fresh as (
    select b.* from best b join customer_group g on g.id = b.id where b.stamp collate "C" > coalesce(g.stamps ->> b.key, '')
),
patch as (
    select id, coalesce(jsonb_object_agg(key, value) filter (where value <> 'null'), '{}') as said,
        coalesce(array_agg(key) filter (where value = 'null'), '{}') as unsaid, jsonb_object_agg(key, stamp) as stamps
    from fresh group by id
)
update customer_group g
set traits = (g.traits || patch.said) - patch.unsaid, stamps = g.stamps || patch.stamps, updated_at = clock_timestamp()
from patch where g.id = patch.id;

-- name: read_epoch
-- Changes whenever an identity was taken away from a profile; held until the transaction ends, so that an erasure waits.
select pg_advisory_xact_lock_shared(hashtextextended('identity_epoch', 0)), epoch from identity_epoch;

-- name: bump_epoch
-- Wait for those who write under the old epoch, then make everybody forget.
with held as materialized (select pg_advisory_xact_lock(hashtextextended('identity_epoch', 0)))
update identity_epoch set epoch = epoch + 1 from held;

-- name: canonical
-- The profile an id stands for now.
select coalesce((select to_id from alias where from_id = %(id)s), (select id from profile where id = %(id)s));

-- name: existing
-- Those of these profiles that have a row, merged away or not.
select id from profile where id = any(%(ids)s::bigint[]);

-- name: every_id
-- A profile and all that were merged into it.
select %(id)s::bigint union select from_id from alias where to_id = %(id)s;

-- name: read_profile
-- One profile's row.
select id, traits, stamps, stamp, created_at, updated_at, first_seen, last_seen from profile where id = %(id)s and merged_into is null;

-- name: read_identities
-- Every identity of a profile: since when, together with which, and by which message or person.
select i.kind, i.value, i.created_at, i.shared, nullif(i.with_kind, '') as with_kind, nullif(i.with_value, '') as with_value,
    coalesce(nullif(i.stamp, ''), case when i.with_kind is null then case when h.born <> '' then h.born else h.stamp end end, '') as stamp,
    (select max(w.who) from identity_claim w where w.kind = i.kind and w.value = i.value and w.state = 'word') as who
from identity i left join profile h on h.id = coalesce(i.origin_id, i.profile_id)
where i.profile_id = %(id)s order by i.kind, i.created_at, i.value limit 1000;

-- name: read_former
-- Identities that were a profile's until a person gave them to another, or parted the two.
select distinct c.kind, c.value, c.who, c.at from identity mine
join identity_claim c on c.with_kind = mine.kind and c.with_value = mine.value and c.state = 'cut'
join identity now on now.kind = c.kind and now.value = c.value and now.profile_id <> mine.profile_id
where mine.profile_id = %(id)s order by c.kind, c.value limit 200;

-- name: read_groups
-- The groups a profile belongs to, with their traits.
select g.id, g.traits, m.joined_at from membership m join customer_group g on g.id = m.group_id
where m.profile_id = %(id)s order by m.joined_at, g.id limit 500;

-- name: read_merged
-- What was merged into a profile.
select from_id as profile_id, at, reason, who from alias where to_id = %(id)s order by at, from_id limit 1000;

-- name: count_open_proposals
-- How many proposals wait that concern a profile.
select count(*) from merge_proposal where state = 'open' and (low_id = any(%(ids)s::bigint[]) or high_id = any(%(ids)s::bigint[]));

-- name: find_by_identity
-- Identities that begin with the words, smallest first.
select distinct i.profile_id from identity i
where i.kind = any(%(kinds)s::text[]) and i.value >= %(low)s and i.value < %(high)s
limit %(limit)s;

-- name: find_by_words
-- Names and traits that contain the words, most alike first; by what is secret to the asker nobody is found.
select s.profile_id from profile_search s
where s.words ilike %(pattern)s and (cardinality(%(secret)s::text[]) = 0 or exists (
    select from profile p, lateral (select p.traits - %(secret)s::text[] as open) o
    where p.id = s.profile_id and concat_ws(' ', o.open ->> 'name', o.open ->> 'firstName', o.open ->> 'lastName',
        (select string_agg(t.value, ' ') from jsonb_each_text(o.open) t),
        (select string_agg(i.value, ' ') from identity i where i.profile_id = p.id and i.kind <> 'anonymous_id')) ilike %(pattern)s))
order by cardinality(%(secret)s::text[]) = 0 and s.words ilike %(prefix)s desc, s.profile_id limit %(limit)s;

-- name: unindexed_by_words
-- The same among those whose words are not indexed yet.
select p.id from (
    select profile_id from profile_unindexed
    union all select generate_series(first_id, last_id) from newcomer_unindexed
) u join profile p on p.id = u.profile_id
where (p.traits - %(secret)s::text[])::text ilike %(pattern)s limit %(limit)s;

-- name: summaries
-- Customers as lists show them.
select p.id, p.traits, p.first_seen, p.last_seen, i.email, i.phone, i.user_id
from profile p
left join lateral (
    select min(value) filter (where kind = 'email') as email, min(value) filter (where kind = 'phone') as phone,
        min(value) filter (where kind = 'user_id') as user_id
    from (select kind, value from identity where profile_id = p.id and kind in ('email', 'phone', 'user_id') limit 100) few
) i on true
where p.id = any(%(ids)s::bigint[]) and p.merged_into is null;

-- name: recent_profiles
-- The newest customers, a page at a time.
select id from profile where merged_into is null and id < %(before)s order by id desc limit %(limit)s;

-- name: estimate_profiles
-- About how many there are: the planner's figure, exact while there are few.
select case when reltuples < 50000 then (select count(*) from (select 1 from profile where merged_into is null limit 100000) few)
    else reltuples::bigint end
from pg_class where oid = 'profile'::regclass;

-- name: take_unindexed
-- Profiles whose words are to be indexed; each is taken by one process.
delete from profile_unindexed where profile_id in (
    select profile_id from profile_unindexed order by profile_id limit %(limit)s for update skip locked
) returning profile_id;

-- name: take_newcomers
-- The next of the new people of an import: a span of ids, cut from the beginning of what waits.
with span as (select first_id, last_id from newcomer_unindexed order by first_id limit 1 for update skip locked),
whole as (
    delete from newcomer_unindexed n using span where n.first_id = span.first_id and n.first_id + %(limit)s > n.last_id
    returning n.first_id, n.last_id
),
cut as (
    update newcomer_unindexed n set first_id = n.first_id + %(limit)s from span
    where n.first_id = span.first_id and n.first_id + %(limit)s <= n.last_id
    returning n.first_id - %(limit)s as first_id, n.first_id - 1 as last_id
)
select first_id, last_id from whole union all select first_id, last_id from cut;

-- name: index_words
-- The words of a profile: its text traits and its identities.
insert into profile_search (profile_id, words)
select p.id, left(concat_ws(' ', p.traits ->> 'name', p.traits ->> 'firstName', p.traits ->> 'lastName',
    (select string_agg(t.value #>> '{}', ' ') from jsonb_each(p.traits) t
        where jsonb_typeof(t.value) in ('string', 'number') and t.key not in ('name', 'firstName', 'lastName')),
    (select string_agg(value, ' ') from (select value from identity where profile_id = p.id and kind <> 'anonymous_id' limit 50) i)), 2000)
from profile p where p.id = any(%(ids)s::bigint[]) and p.merged_into is null
on conflict (profile_id) do update set words = excluded.words where profile_search.words is distinct from excluded.words;

-- name: unindex_words
-- Merged-away and erased profiles are not found.
delete from profile_search s where s.profile_id = any(%(ids)s::bigint[])
and not exists (select from profile p where p.id = s.profile_id and p.merged_into is null);

-- name: list_proposals
-- Proposals, newest first, a page at a time.
select id, coalesce(a.to_id, low_id) as one, coalesce(b.to_id, high_id) as other, low_id, high_id, kind, value, question, state,
    created_at, decided_at, decided_by
from merge_proposal p left join alias a on a.from_id = p.low_id left join alias b on b.from_id = p.high_id
where (%(state)s::text is null or state = %(state)s) and p.id < %(before)s
order by p.id desc limit %(limit)s;

-- name: take_proposal
-- One proposal, held until it is decided.
select id, coalesce(a.to_id, low_id) as one, coalesce(b.to_id, high_id) as other, low_id, high_id, kind, value, question, state, undo,
    created_at, decided_at, decided_by
from merge_proposal p left join alias a on a.from_id = p.low_id left join alias b on b.from_id = p.high_id
where p.id = %(id)s for update of p;

-- name: decide_proposal
-- An analyst's word.
update merge_proposal set state = %(state)s, decided_at = %(at)s, decided_by = %(who)s where id = %(id)s;

-- name: keep_undo
-- What it takes to take a decision back.
update merge_proposal set undo = %(undo)s where id = %(id)s;

-- name: reopen_proposal
-- Nobody has decided.
update merge_proposal set state = 'open', decided_at = null, decided_by = null, undo = '{}' where id = %(id)s;

-- name: refuse_parted
-- Whoever parted two people has refused the proposal by which they were joined.
update merge_proposal set state = 'refused', decided_at = %(at)s, decided_by = %(who)s, undo = '{}'
where state = 'accepted' and (undo ->> 'gone')::bigint = %(gone)s;

-- name: read_aliases
-- A merge, with all that lead to the same survivor.
select from_id, to_id, into_id from alias where to_id = (select to_id from alias where from_id = %(id)s) order by from_id for update;

-- name: forget_claim
-- What a person said is not said any more; what messages said of it before counts again.
delete from identity_claim
where kind = %(kind)s and value = %(value)s and with_kind = %(with_kind)s and with_value = %(with_value)s and state = 'word';

-- name: hear_claim_again
-- What a person took back is heard again.
update identity_claim set state = 'said', who = null
where kind = %(kind)s and value = %(value)s and with_kind = %(with_kind)s and with_value = %(with_value)s and state = 'cut';

-- name: delete_identity
-- An identity, all that was claimed about it, and what was said under it (which is kept under another before).
with claims as (
    delete from identity_claim where (kind = %(kind)s and value = %(value)s) or (with_kind = %(kind)s and with_value = %(value)s)
),
parts as (delete from said where kind = %(kind)s and value = %(value)s),
heads as (
    update identity set with_kind = '', with_value = '', stamp = ''
    where profile_id = %(profile)s and with_kind = %(kind)s and with_value = %(value)s
)
delete from identity where kind = %(kind)s and value = %(value)s;

-- name: identity_values
-- What a person is known by, to be searched for where it is not parsed yet.
select value from identity where profile_id = any(%(ids)s::bigint[]);

-- name: erase_search
-- Erasure: the words.
delete from profile_search where profile_id = any(%(ids)s::bigint[]);

-- name: erase_claims
-- Erasure: what was claimed of their identities, and said under them.
with theirs as (select kind, value from identity where profile_id = any(%(ids)s::bigint[]) or origin_id = any(%(ids)s::bigint[])),
parts as (delete from said s using theirs t where s.kind = t.kind and s.value = t.value)
delete from identity_claim c using theirs t
where (c.kind = t.kind and c.value = t.value) or (c.with_kind = t.kind and c.with_value = t.value);

-- name: erase_identities
-- Erasure: the identities.
delete from identity where profile_id = any(%(ids)s::bigint[]) or origin_id = any(%(ids)s::bigint[]);

-- name: erase_memberships
-- Erasure: the groups.
delete from membership where profile_id = any(%(ids)s::bigint[]);

-- name: erase_proposals
-- Erasure: proposals name an identity.
delete from merge_proposal where low_id = any(%(ids)s::bigint[]) or high_id = any(%(ids)s::bigint[]);

-- name: erase_alias
-- Erasure: what merges remembered.
delete from alias where from_id = any(%(ids)s::bigint[]) or to_id = any(%(ids)s::bigint[]);

-- name: erase_queue
-- Erasure: the search queue.
delete from profile_unindexed where profile_id = any(%(ids)s::bigint[]);

-- name: erase_profile
-- Erasure: the rows themselves; other rooms have let go of them before.
delete from profile where id = any(%(ids)s::bigint[]);

-- name: erase_dirty
-- Erasure: a dirty id without a profile tells the mirror to forget it.
insert into profile_dirty (profile_id, version) select id, nextval('profile_version') from unnest(%(ids)s::bigint[]) i (id)
on conflict (profile_id) do update set version = excluded.version;

-- name: set_rule
-- What writers and readers heed of a trait.
insert into trait_rule (name, computed, type, allowed, personal) values (%(name)s, %(computed)s, %(type)s, %(allowed)s, %(personal)s)
on conflict (name) do update set computed = excluded.computed, type = excluded.type, allowed = excluded.allowed, personal = excluded.personal;

-- name: read_rule
-- The rule of one trait.
select computed, type, allowed, personal from trait_rule where name = %(name)s;

-- name: drop_idle_rule
-- A rule that asks for nothing is none.
delete from trait_rule where name = %(name)s and not computed and type is null and allowed is null and not personal;

-- name: personal_traits
-- Names of the traits that only those see who may see what is personal.
select name from trait_rule where personal;

-- name: computed_traits
-- Names of the traits that Antiphon computes.
select name from trait_rule where computed;

-- name: ruled_traits
-- Names of the traits of which something may be refused.
select name from trait_rule where computed or type is not null or allowed is not null;

-- name: refusals
-- Values of a trait that were refused, latest first.
select profile_id, value, reason, at from trait_refusal where name = %(name)s order by at desc, id desc limit %(limit)s;

-- name: forget_old_refusals
-- Refusals are kept for a month.
delete from trait_refusal where at < now() - interval '30 days';

-- name: erase_refusals
-- Erasure: refused values.
delete from trait_refusal where profile_id = any(%(ids)s::bigint[]);

-- name: write_computed
-- What was computed of these people, whatever was there; a null removes. All are held, and canonical.
with incoming as (
    select * from unnest(%(ids)s::bigint[], %(traits)s::jsonb[]) i (id, traits)
),
patch as (
    select id, coalesce(jsonb_object_agg(key, value) filter (where value <> 'null'), '{}') as said,
        coalesce(array_agg(key) filter (where value = 'null'), '{}') as unsaid,
        coalesce(jsonb_object_agg(key, %(stamp)s::text) filter (where value <> 'null'), '{}') as stamps
    from incoming cross join lateral jsonb_each(traits) group by id
)
update profile p
set traits = (p.traits || patch.said) - patch.unsaid, stamps = (p.stamps || patch.stamps) - patch.unsaid, updated_at = clock_timestamp()
from patch where p.id = patch.id and p.merged_into is null;

-- name: hold_from_erasure
-- These profiles are not erased until the transaction ends; those that are gone are absent.
select id from profile where id = any(%(ids)s::bigint[]) order by id for key share;

-- name: hold_for_erasure
-- Nobody else holds these profiles any more.
select id from profile where id = any(%(ids)s::bigint[]) order by id for update;

-- name: declare_kind
-- What there is to know of a kind of identity.
insert into identity_kind (name, title, form, household, proposes, most, people, quiet_days)
values (%(name)s, %(title)s, %(form)s, %(household)s, %(proposes)s, %(most)s, %(people)s, %(quiet_days)s)
on conflict (name) do update
set title = excluded.title, form = excluded.form, household = excluded.household, proposes = excluded.proposes, most = excluded.most,
    people = excluded.people, quiet_days = excluded.quiet_days, changed_at = clock_timestamp();

-- name: traits_for_names
-- What these customers are called by.
select id, jsonb_strip_nulls(jsonb_build_object('name', traits -> 'name', 'firstName', traits -> 'firstName',
    'first_name', traits -> 'first_name', 'lastName', traits -> 'lastName', 'last_name', traits -> 'last_name',
    'email', traits -> 'email'))
from profile where id = any(%(ids)s::bigint[]);
