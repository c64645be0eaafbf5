-- name: record_changes
-- Append what customers said and bring each one's latest word on an aspect up to date, in one statement.
with given as (
    select profile_id, aspect, nullif(value::jsonb, 'null') as value, at, source, evidence, n
    from unnest(
        %(profile_ids)s::bigint[], %(aspects)s::text[], %(values)s::text[], %(ats)s::timestamptz[], %(sources)s::text[],
        %(evidence)s::text[]
    ) with ordinality as given (profile_id, aspect, value, at, source, evidence, n)
), wanted as (
    select given.* from given
    left join preference p using (profile_id, aspect)
    where not %(only_changes)s or p.value is distinct from given.value
), written as (
    insert into preference_change (profile_id, aspect, value, at, source, evidence)
    select profile_id, aspect, value, at, source, evidence::jsonb from wanted order by n
    returning id, profile_id, aspect, value, at, source
), latest as (
    select distinct on (profile_id, aspect) profile_id, aspect, value, at, source, id
    from written order by profile_id, aspect, at desc, id desc
), kept as (
    insert into preference (profile_id, aspect, value, at, source, change_id)
    select profile_id, aspect, value, at, source, id from latest
    on conflict (profile_id, aspect) do update
        set value = excluded.value, at = excluded.at, source = excluded.source, change_id = excluded.change_id
        where (preference.at, preference.change_id) < (excluded.at, excluded.change_id)
)
select profile_id from written;

-- name: list_current
-- Each of these people's latest word on every aspect that still stands.
select profile_id, aspect, value, at, source
from preference where profile_id = any(%(profile_ids)s) and value is not null
order by profile_id, aspect;

-- name: list_changes
-- Everything one customer said about how to be written to, newest first.
select id, aspect, value, at, source, evidence, recorded_at
from preference_change
where profile_id = any(%(profile_ids)s) and (%(before)s::bigint is null or id < %(before)s)
order by id desc limit %(limit)s;

-- name: forget_current
-- After people became one or were parted: their latest words are worked out anew.
delete from preference where profile_id = any(%(profile_ids)s);

-- name: rebuild_current
-- What the statements of these people, and of those merged into them, say is their latest word.
with people as (
    select distinct coalesce(a.to_id, p.id) as id from unnest(%(profile_ids)s::bigint[]) p (id) left join alias a on a.from_id = p.id
), members as (
    select id, id as member from people union all select a.to_id, a.from_id from alias a join people p on p.id = a.to_id
)
insert into preference (profile_id, aspect, value, at, source, change_id)
select distinct on (m.id, c.aspect) m.id, c.aspect, c.value, c.at, c.source, c.id
from members m join preference_change c on c.profile_id = m.member
order by m.id, c.aspect, c.at desc, c.id desc
on conflict (profile_id, aspect) do update
    set value = excluded.value, at = excluded.at, source = excluded.source, change_id = excluded.change_id
    where (preference.at, preference.change_id) < (excluded.at, excluded.change_id);

-- name: export_changes
-- Everything one customer said about how to be written to, for their own copy.
select aspect, value, at, source, evidence, recorded_at
from preference_change where profile_id = any(%(profile_ids)s) order by id;

-- name: erase_current
-- Forget a customer's latest words.
delete from preference where profile_id = any(%(profile_ids)s);

-- name: erase_changes
-- Forget everything a customer said about how to be written to.
delete from preference_change where profile_id = any(%(profile_ids)s);

-- name: count_recent
-- How much a customer's own page wrote lately, by machine time.
select (select count(*) from preference_change
        where profile_id = any(%(profile_ids)s) and source = %(source)s and recorded_at > clock_timestamp() - %(period)s::interval)
     + (select count(*) from consent
        where profile_id = any(%(profile_ids)s) and source = %(source)s and recorded_at > clock_timestamp() - %(period)s::interval);

-- name: find_centre
-- How the preference centre looks.
select logo, titles, topics, channels, languages, changed_at from preference_centre;

-- name: change_centre
-- Make it look otherwise.
update preference_centre set logo = %(logo)s, titles = %(titles)s, topics = %(topics)s, channels = %(channels)s,
    languages = %(languages)s, changed_at = %(changed_at)s;

-- name: list_subjects
-- Topics as customers see them: title and description, with what they are called in other languages.
select name, title, description, translations from topic order by name;

-- name: find_person
-- What the page needs of a customer: their language as their traits tell it, and how each channel reaches them.
select p.traits ->> 'language' as language, p.traits ->> 'locale' as locale,
       (select jsonb_object_agg(kind, value) from (
            select distinct on (kind) kind, value from identity
            where profile_id = p.id and kind = any(%(kinds)s) order by kind, created_at desc, value
        ) newest) as addresses
from profile p where p.id = %(profile_id)s and p.merged_into is null;
