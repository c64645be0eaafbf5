-- name: list_traits
-- Every trait, by name.
select name, type, column_name, next_type, next_column, description, personal, first_seen, misfit, misfit_at, locked, allowed, unit, archived,
    exists (select from trait_rule r where r.name = trait.name and r.computed) as computed
from trait order by name;

-- name: find_trait
-- One trait, held until the change is made.
select name, type, column_name, next_type, next_column, description, personal, first_seen, misfit, misfit_at, locked, allowed, unit, archived,
    exists (select from trait_rule r where r.name = trait.name and r.computed) as computed
from trait where name = %(name)s for update;

-- name: value_of
-- One trait of one customer.
select traits -> %(name)s::text from profile where id = %(id)s;

-- name: is_computed
-- Whether nobody else's word on it counts.
select exists (select from trait_rule where name = %(name)s and computed);

-- name: hold_registry
-- New traits and new types are given by one transaction at a time, so that their columns differ.
select pg_advisory_xact_lock(hashtextextended('trait', 0));

-- name: add_traits
-- Traits seen for the first time.
insert into trait (name, type, column_name, first_seen)
select name, type, column_name, %(at)s from unnest(%(names)s::text[], %(types)s::text[], %(columns)s::text[]) t (name, type, column_name)
on conflict do nothing;

-- name: describe_trait
-- What people say of a trait.
update trait set description = %(description)s, personal = %(personal)s, locked = %(locked)s, allowed = %(allowed)s, unit = %(unit)s,
    archived = %(archived)s where name = %(name)s;

-- name: begin_retype
-- A second column for the new type; both are written until every profile has it.
update trait set next_type = %(type)s, next_column = %(column)s where name = %(name)s and next_type is null;

-- name: end_retype
-- The new column is whole: it takes the old one's place.
update trait set type = next_type, column_name = next_column, next_type = null, next_column = null, misfit = null, misfit_at = null
where name = %(name)s and next_column = %(column)s;

-- name: note_misfits
-- The latest values that did not fit.
update trait t set misfit = m.value, misfit_at = %(at)s
from unnest(%(names)s::text[], %(values)s::text[]) m (name, value) where t.name = m.name;

-- name: holders_of
-- The next profiles that have a trait, for copying anew.
select id from profile where id > %(after)s and traits ? %(name)s order by id limit %(limit)s;

-- name: last_version
-- Where the versions of changed profiles are now.
select last_value from profile_version;

-- name: dirty_until
-- Whether a profile changed up to a version still waits to be copied.
select exists (select from profile_dirty where version <= %(version)s);

-- name: any_dirty
-- Whether any profile waits to be copied.
select exists (select from profile_dirty);

-- name: count_dirty
-- How many profiles wait to be copied; counted so far as it matters.
select count(*) from (select from profile_dirty limit 100000) few;

-- name: copied
-- Copied profiles wait no more, unless they changed meanwhile. The bounds keep it from reading everybody who waits.
delete from profile_dirty d using unnest(%(ids)s::bigint[], %(versions)s::bigint[]) c (id, version)
where d.profile_id = c.id and d.version = c.version and d.profile_id between %(low)s and %(high)s;

-- name: note_mirrored
-- Whose row of the mirror changed. The lock, held to the end of the transaction, makes seq the order of commits.
with turn as materialized (select pg_advisory_xact_lock(hashtextextended('mirror_change', 0)))
insert into mirror_change (ids) select %(ids)s from turn;

-- name: forget_mirrored
-- Changes nobody follows any more.
delete from mirror_change where at < clock_timestamp() - %(keep)s::interval;

-- name: export_refusals
-- What was said of a customer and refused by a rule, for their own copy.
select name, value, reason, at from trait_refusal where profile_id = any(%(profile_ids)s::bigint[]) order by id;
