-- name: make_stage
-- Where the rows of a set lie before they are people; seen by this connection only, and emptied by each commit.
create temp table if not exists staged_row (n bigint, traits text, stamp text collate "C") on commit delete rows;

-- name: make_stage_identities
-- The normalised identities of each staged row.
create temp table if not exists staged_identity (n bigint, kind text collate "C", value text collate "C", shared boolean) on commit delete rows;

-- name: make_verdicts
-- What each staged row is: new (nobody has its identities), settled (all lead to one profile, and say nothing new of who is
-- who), early (the same, to be looked at more closely), or odd.
create temp table if not exists staged_verdict (n bigint, verdict "char", profile_id bigint) on commit delete rows;

-- name: copy_rows
-- Rows in.
copy staged_row (n, traits, stamp) from stdin (format csv);

-- name: copy_identities
-- Identities in.
copy staged_identity (n, kind, value, shared) from stdin (format csv);

-- name: look_up
-- The joins below look up a set of people; reading every person there is would be cheaper only by the planner's reckoning.
set local enable_seqscan = off; set local enable_mergejoin = off; set local random_page_cost = 0.1;

-- name: known_rows
-- Which rows name somebody known.
select array(
    select distinct s.n from staged_identity s
    cross join lateral (select from identity where identity.kind = s.kind and identity.value = s.value offset 0) i
);

-- name: judge
-- What each row is, in one look at the identities. An identity that two rows share makes both odd unless it is known.
insert into staged_verdict (n, verdict, profile_id)
select n, case when known = 0 and not shared then 'n' when known < total or low <> high then 'o' when plain then 's' else 'e' end,
    case when known = 0 and not shared then nextval('profile_id_seq') when known = total and low = high then low end
from (
    select n, count(*) as total, count(owner) as known, min(owner) as low, max(owner) as high, bool_or(shared) as shared,
        bool_or(kind = 'user_id') and bool_and(with_kind is null and origin_id is null and not nobody) as plain
    from (
        select s.n, s.kind, coalesce(a.to_id, i.profile_id) as owner, s.shared, i.with_kind, i.origin_id, i.shared as nobody
        from staged_identity s
        left join lateral (
            select profile_id, with_kind, origin_id, identity.shared from identity
            where identity.kind = s.kind and identity.value = s.value offset 0
        ) i on true
        left join alias a on a.from_id = i.profile_id
    ) found
    group by n
) bundles;

-- name: check_settled
-- A row of identities that were born together says something new if it is older, or if the traits were said under another.
update staged_verdict v set verdict = 'e'
from profile p, staged_row r
where v.verdict = 's' and p.id = v.profile_id and r.n = v.n
    and (p.head is not null or r.stamp < case when p.born <> '' then p.born else p.stamp end);

-- name: check_early
-- Rows whose strongest identity claimed all the others before, and is the one under which the traits were said, are settled.
with named as (
    select v.n, v.profile_id, r.stamp, s.kind, s.value, first_value(s.kind) over strongest as head_kind, first_value(s.value) over strongest as head
    from staged_verdict v join staged_identity s using (n) join staged_row r using (n) where v.verdict = 'e'
    window strongest as (partition by v.n order by case s.kind when 'user_id' then 0 when 'email' then 1 when 'phone' then 2
        when 'whatsapp' then 3 when 'telegram' then 4 when 'push_subscription' then 8 when 'device' then 8 when 'anonymous_id' then 9 else 5 end,
        s.kind, s.value)
),
news as (
    select distinct m.n from named m
    join identity i on i.kind = m.kind and i.value = m.value
    join identity h on h.kind = m.head_kind and h.value = m.head
    join profile p on p.id = m.profile_id
    where (m.kind, m.value) <> (m.head_kind, m.head) and not (
        (i.with_kind = m.head_kind and i.with_value = m.head and i.stamp <= m.stamp)
        or (i.with_kind is null and h.with_kind is null and coalesce(i.origin_id, i.profile_id) = coalesce(h.origin_id, h.profile_id)
            and m.stamp >= (select case when b.born <> '' then b.born else b.stamp end from profile b where b.id = coalesce(i.origin_id, i.profile_id)))
    )
    or coalesce(p.head, (
        select x.kind || ' ' || x.value from identity x where x.profile_id = p.id and x.with_kind is null and x.origin_id is null
        order by case x.kind when 'user_id' then 0 when 'email' then 1 when 'phone' then 2 when 'whatsapp' then 3 when 'telegram' then 4
            when 'push_subscription' then 8 when 'device' then 8 when 'anonymous_id' then 9 else 5 end, x.kind, x.value limit 1
    ), '') <> m.head_kind || ' ' || m.head
)
update staged_verdict v set verdict = case when v.n in (select n from news) then 'o' else 's' end::"char" where v.verdict = 'e';

-- name: see_settled
-- Identities that may come back as another's were seen with their own: noted once a week.
update identity i set seen = '1970-01-01'::date + s.day
from (
    select s.kind, s.value, max((split_part(r.stamp, ' ', 1)::bigint / 86400000000)::int) as day
    from staged_verdict v join staged_identity s using (n) join staged_row r using (n)
    where v.verdict = 's' and s.kind = any(%(kinds)s::text[]) group by s.kind, s.value
) s
where i.kind = s.kind and i.value = s.value and coalesce(i.seen, i.created_at::date) < '1970-01-01'::date + s.day - 7;

-- name: heed_rules
-- Rows that say what a rule refuses need thought.
update staged_verdict v set verdict = 'o', profile_id = null
from staged_row s
where s.n = v.n and v.verdict in ('n', 's') and exists (
    select from trait_rule r
    where (r.computed or r.type is not null or r.allowed is not null) and s.traits::jsonb ? r.name
        and trait_refused(r.computed, r.type, r.allowed, s.traits::jsonb -> r.name) is not null
);

-- name: count_verdicts
-- How many rows of each sort.
select verdict::text, count(*), count(distinct profile_id) from staged_verdict group by verdict;

-- name: lock_settled
-- Hold the known people of the set, in the order everybody keeps; those merged away meanwhile are absent.
select count(*) from (
    select id from profile where id in (select profile_id from staged_verdict where verdict = 's') and merged_into is null
    order by id for no key update
) held;

-- name: make_new
-- New people, with their traits and the stamp of their row.
insert into profile (id, traits, stamp, first_seen, last_seen)
select v.profile_id, case when r.traits like '%%:null%%' then jsonb_strip_nulls(r.traits::jsonb) else r.traits::jsonb end, r.stamp, %(at)s, %(at)s
from staged_verdict v join staged_row r using (n) where v.verdict = 'n';

-- name: give_new
-- Their identities, in the order everybody keeps. If somebody was faster this fails, and the set is tried again.
insert into identity (kind, value, profile_id)
select s.kind, s.value, v.profile_id from staged_verdict v join staged_identity s using (n) where v.verdict = 'n'
order by s.kind, s.value;

-- name: merge_whole
-- The same people imported again: a row that says every trait its person has, later than all of them, replaces them at once.
with once as (
    select min(n) as n, profile_id from staged_verdict where verdict = 's' group by profile_id having count(*) = 1
),
changed as (
    update profile p set traits = r.traits::jsonb, stamp = r.stamp, stamps = '{}', born = case when p.born <> '' then p.born else p.stamp end,
        updated_at = clock_timestamp()
    from once join staged_row r using (n)
    where p.id = once.profile_id and p.stamp < r.stamp and r.traits not like '%:null%'
        and r.traits::jsonb ?& array(select jsonb_object_keys(p.traits))
        and (p.stamps = '{}' or not exists (
            select from jsonb_each_text(p.stamps) s where s.value collate "C" >= r.stamp or not r.traits::jsonb ? s.key
        ))
    returning p.id
),
unindexed as (
    insert into profile_unindexed (profile_id) select id from changed order by id on conflict do nothing
)
insert into profile_dirty (profile_id, version) select id, nextval('profile_version') from changed order by id
on conflict (profile_id) do update set version = excluded.version;

-- name: merge_settled
-- The traits of known people, each by its own stamp. A row that made its profile has nothing to add.
with incoming as (
    select v.profile_id, t.key, t.value, r.stamp
    from staged_verdict v join staged_row r using (n) join profile p on p.id = v.profile_id
    cross join lateral jsonb_each(r.traits::jsonb) t
    where v.verdict = 's' and p.stamp is distinct from r.stamp
),
best as (
    select distinct on (profile_id, key) profile_id, key, value, stamp
    from incoming order by profile_id, key, stamp collate "C" desc, value desc
),
fresh as (
    select b.* from best b join profile p on p.id = b.profile_id
    where b.stamp collate "C" > coalesce(p.stamps ->> b.key, case when p.traits ? b.key then p.stamp end, '')
),
patch as (
    select profile_id, coalesce(jsonb_object_agg(key, value) filter (where value <> 'null'), '{}') as said,
        coalesce(array_agg(key) filter (where value = 'null'), '{}') as unsaid, jsonb_object_agg(key, stamp) as stamps
    from fresh group by profile_id
),
changed as (
    update profile p
    set traits = (p.traits || patch.said) - patch.unsaid, stamps = p.stamps || patch.stamps, updated_at = clock_timestamp()
    from patch where p.id = patch.profile_id
    returning p.id
),
unindexed as (
    insert into profile_unindexed (profile_id) select id from changed order by id on conflict do nothing
)
insert into profile_dirty (profile_id, version) select id, nextval('profile_version') from changed order by id
on conflict (profile_id) do update set version = excluded.version;

-- name: mark_new
-- New people wait to be copied and to be found by their words.
with ids as (select profile_id from staged_verdict where verdict = 'n' order by profile_id),
unindexed as (insert into profile_unindexed (profile_id) select profile_id from ids)
insert into profile_dirty (profile_id, version) select profile_id, nextval('profile_version') from ids;

-- name: odd_rows
-- Rows that need thought: they go the careful way.
select r.n, r.traits, r.stamp, array_agg(s.kind), array_agg(s.value)
from staged_verdict v join staged_row r using (n) join staged_identity s using (n)
where v.verdict = 'o' group by r.n, r.traits, r.stamp order by r.n;
