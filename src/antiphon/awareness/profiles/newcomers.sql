-- name: reserve_ids
-- Ids of new people, as runs without gaps: others take ids meanwhile. And the instant that is given as theirs.
with given as materialized (select nextval('profile_id_seq') as id from generate_series(1, %(count)s)),
numbered as (select id, id - row_number() over () as run from given)
select min(id), count(*), clock_timestamp() from numbered group by run order by 1;

-- name: epoch
-- Whether somebody was erased, or a merge undone, meanwhile.
select epoch from identity_epoch;

-- name: copy_identities
-- Identities in, in the order everybody keeps. It fails when somebody has one of them already.
copy identity (kind, value, profile_id) from stdin (format binary);

-- name: copy_people
-- People in.
copy profile (id, traits, stamp, created_at, updated_at, first_seen, last_seen) from stdin (format binary);

-- name: note_unmirrored
-- They wait for the mirror.
insert into newcomer_unmirrored (first_id, last_id) select * from unnest(%(firsts)s::bigint[], %(lasts)s::bigint[]);

-- name: note_unindexed
-- They wait to be found by their words.
insert into newcomer_unindexed (first_id, last_id) select * from unnest(%(firsts)s::bigint[], %(lasts)s::bigint[]);

-- name: touched
-- Null when somebody else took them over, or when any was merged away or erased; else those changed since who wait to be copied.
select case when (select count(*) from newcomer_unmirrored where first_id = any(%(firsts)s::bigint[])) = cardinality(%(firsts)s::bigint[])
    and (select epoch from identity_epoch) = %(epoch)s
    and not exists (
        select from unnest(%(firsts)s::bigint[], %(lasts)s::bigint[]) s (first_id, last_id)
        join alias a on a.from_id between s.first_id and s.last_id
    )
    then array(
        select d.profile_id from unnest(%(firsts)s::bigint[], %(lasts)s::bigint[]) s (first_id, last_id)
        join profile_dirty d on d.profile_id between s.first_id and s.last_id
    ) end;

-- name: mirrored
-- They are in the mirror.
delete from newcomer_unmirrored where first_id = any(%(firsts)s::bigint[]);

-- name: hand_over
-- The copier shall copy them like anybody else.
with gone as (delete from newcomer_unmirrored where first_id = any(%(firsts)s::bigint[]) returning first_id, last_id)
insert into profile_dirty (profile_id, version)
select p.id, nextval('profile_version') from gone join profile p on p.id between gone.first_id and gone.last_id order by p.id
on conflict (profile_id) do update set version = excluded.version;

-- name: hand_over_late
-- The same for one span whose loader has died.
with late as (
    select first_id from newcomer_unmirrored where since < clock_timestamp() - interval '1 minute'
    order by first_id limit 1 for update skip locked
),
gone as (delete from newcomer_unmirrored n using late where n.first_id = late.first_id returning n.first_id, n.last_id)
insert into profile_dirty (profile_id, version)
select p.id, nextval('profile_version') from gone join profile p on p.id between gone.first_id and gone.last_id order by p.id
on conflict (profile_id) do update set version = excluded.version;

-- name: waiting
-- How many wait for the mirror.
select coalesce(sum(last_id - first_id + 1), 0)::bigint from newcomer_unmirrored;
