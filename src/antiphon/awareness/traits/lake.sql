-- name: dirty_batch
-- Changed profiles as they are now; no traits where the profile was erased or merged away. The lateral join looks each up: a join would read every profile there is.
create or replace temp table dirty as select profile_id, version, alive, created_at, updated_at, first_seen, last_seen, try_cast(traits as json) as traits
from postgres_query('pg', 'select d.profile_id, d.version, p.id is not null as alive, p.created_at, p.updated_at, p.first_seen, p.last_seen, p.traits::text as traits
    from (select profile_id, version from profile_dirty order by profile_id limit LIMIT) d
    left join lateral (select * from profile where profile.id = d.profile_id and merged_into is null offset 0) p on true');

-- name: take_turn
-- Of two copiers at once one fails here, and copies nothing.
update lake.profile_turn set copies = copies + 1;

-- name: shapes
-- What kinds of values each trait of the batch has.
select json_group_structure(traits)::varchar, count(*) from dirty;

-- name: inferred
-- For new traits that hold text: how much of it looks like a date or an instant.
select key, count(*) filter (where regexp_full_match(value, $date)), count(*) filter (where regexp_full_match(value, $instant)), count(*)
from (select unnest($keys::varchar[]) as key), lateral (select json_extract_string(traits, '$."' || replace(key, '"', '\"') || '"') as value from dirty)
where value is not null and value <> '' group by key;

-- name: mirror_columns
-- The columns the mirror has.
select column_name from (describe lake.profile);

-- name: forget_dirty
-- The rows to be replaced.
delete from lake.profile where profile_id in (select profile_id from dirty);

-- name: copied
-- Which were copied, as which version.
select profile_id, version from dirty;

-- name: drop_batch
-- The batch is done.
drop table if exists dirty;

-- name: drop_typed
-- And its typed form.
drop table if exists typed;
