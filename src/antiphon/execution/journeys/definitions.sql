-- name: insert_journey
-- A new journey, a draft.
insert into journey (name, description, draft, created_at, created_by, changed_at, changed_by, authors)
values (%(name)s, %(description)s, %(draft)s::jsonb, %(now)s, %(by)s, %(now)s, %(by)s, array[%(author)s::text]) returning id;

-- name: find_journey
-- One journey with its draft.
select j.id, j.name, j.description, j.state, j.draft, j.draft_revision, j.live_version_id, v.number as live_version, j.held_reason,
    j.created_at, j.created_by, j.changed_at, j.changed_by, j.started_at, j.finished_at, j.approval, j.authors, j.kept_entries,
    (select approval = 'always' from journey_rule) as must_be_approved,
    (select max(number) from journey_version n where n.journey_id = j.id) as last_version
from journey j left join journey_version v on v.id = j.live_version_id where j.id = %(id)s;

-- name: lock_journey
-- Hold a journey for a change of it; entries under way finish first.
select id from journey where id = %(id)s for update;

-- name: list_journeys
-- Journeys, newest first; whoever entered each day of the last two weeks, and all who entered and reached the goal.
select j.id, j.name, j.description, j.state, j.draft_revision, j.live_version_id, v.number as live_version, j.held_reason,
    j.created_at, j.created_by, j.changed_at, j.changed_by, j.started_at, j.finished_at,
    jsonb_array_length(j.draft->'steps') as steps, v.definition is null or v.definition <> j.draft as unpublished,
    (select count(*) from (
        select from journey_version n join journey_run r on r.version_id = n.id where n.journey_id = j.id limit 100000) people) as inside,
    coalesce(c.entered, 0)::bigint as entered, coalesce(c.converted, 0)::bigint as converted,
    array(
        select coalesce(sum(k.people) filter (where k.day = d.day::date), 0)::bigint
        from generate_series(%(today)s::date - 13, %(today)s::date, interval '1 day') d (day)
        left join journey_version n on n.journey_id = j.id
        left join journey_count k on k.version_id = n.id and k.step = -1 and k.how = 'entered'
        group by d.day order by d.day) as days
from journey j
left join journey_version v on v.id = j.live_version_id
left join lateral (
    select sum(k.people) filter (where k.how = 'entered') as entered, sum(k.people) filter (where k.how = 'goal') as converted
    from journey_version n join journey_count k on k.version_id = n.id
    where n.journey_id = j.id and k.how in ('entered', 'goal')) c on true
where (%(before)s::bigint is null or j.id < %(before)s)
  and (%(state)s::text is null and j.state <> 'archived' or j.state = %(state)s)
  and (%(text)s::text is null or strpos(lower(j.name), lower(%(text)s)) > 0)
order by j.id desc limit %(limit)s;

-- name: rename_journey
-- Another name or description.
update journey set name = %(name)s, description = %(description)s, changed_at = %(now)s, changed_by = %(by)s where id = %(id)s;

-- name: save_draft
-- A new draft; only over the revision its author saw. One that is but drawn elsewhere keeps its approval.
update journey set draft = %(draft)s::jsonb, draft_revision = draft_revision + 1, changed_at = %(now)s, changed_by = %(by)s,
    approval = case when not %(same)s::bool then null
        when approval ->> 'revision' = draft_revision::text
        then approval || jsonb_build_object('revision', draft_revision + 1) end,
    authors = case when %(same)s::bool or %(author)s::text = any(authors) then authors else authors || %(author)s::text end
where id = %(id)s and draft_revision = %(revision)s returning draft_revision;

-- name: set_state
-- Another state; a journey is started once, and finished until it is started again.
update journey set state = %(state)s, held_reason = null, kept_entries = case when %(state)s = 'paused' then kept_entries else 0 end,
    started_at = case when %(state)s = 'live' then coalesce(started_at, %(now)s::timestamptz) else started_at end,
    finished_at = case when %(state)s = 'finished' then %(now)s::timestamptz when %(state)s = 'live' then null else finished_at end
where id = %(id)s;

-- name: set_live
-- The version that people enter from now on; of a draft that goes live nobody has written anything yet.
update journey set live_version_id = %(version_id)s, approval = case when %(back)s::bool then approval end,
    authors = case when %(back)s::bool then authors else '{}' end
where id = %(id)s;

-- name: delete_journey
-- Remove a draft that was never published.
delete from journey where id = %(id)s;

-- name: insert_version
-- Freeze a version under the next number.
insert into journey_version (journey_id, number, definition, note, published_at, published_by, treatment, approval)
select %(journey_id)s, coalesce(max(number), 0) + 1, %(definition)s::jsonb, %(note)s, %(now)s, %(by)s, %(treatment)s::jsonb,
    (select approval from journey where id = %(journey_id)s)
from journey_version where journey_id = %(journey_id)s
returning id, number;

-- name: list_versions
-- Versions of a journey, newest first, with how many people are inside each.
select v.id, v.number, v.note, v.published_at, v.published_by, v.treatment, v.approval, v.id = j.live_version_id as live,
    (select count(*) from journey_run r where r.version_id = v.id) as inside
from journey_version v join journey j on j.id = v.journey_id
where v.journey_id = %(journey_id)s order by v.number desc;

-- name: find_version
-- One version by its number.
select id, journey_id, number, definition, note, published_at, published_by, treatment
from journey_version where journey_id = %(journey_id)s and number = %(number)s;

-- name: some_versions
-- Versions of a journey by id, or all.
select id, journey_id, number, definition, note, published_at, published_by, treatment
from journey_version where journey_id = %(journey_id)s and (%(ids)s::bigint[] is null or id = any(%(ids)s::bigint[]))
order by number;

-- name: people_by_step
-- How many people stand at each step of each version, and when the first of them goes on.
select version_id, step, count(*) as people, count(*) filter (where wake_at is null) as listening, min(wake_at) as next_at
from journey_run where version_id = any(%(versions)s::bigint[]) group by 1, 2 order by 1, 2;

-- name: versions_of
-- Ids of all versions of a journey.
select id from journey_version where journey_id = %(journey_id)s order by id;

-- name: count_inside
-- How many people are in a journey, in any version.
select count(*) from journey_run where version_id in (select id from journey_version where journey_id = %(journey_id)s);

-- name: what_there_is
-- What a definition may refer to: published template versions, journeys, experiments, segments with whether they tell who comes.
select (select coalesce(array_agg(v.id), '{}') from template_version v join template t on t.id = v.template_id
        where v.state = 'published' and t.archived_at is null),
    (select coalesce(array_agg(j.id), '{}') from journey j where j.state <> 'archived'),
    (select coalesce(array_agg(e.key), '{}') from experiment e where e.state = 'running' or e.winner is not null),
    (select coalesce(jsonb_object_agg(s.id, s.announce <> 'never'), '{}') from segment s where s.state = 'active'),
    (select coalesce(array_agg(n.name), '{}') from event_name n where n.name = any(%(events)s::text[]));

-- name: lock_beginnings
-- One at a time publishes a journey that begins others; until the commit.
select pg_advisory_xact_lock(hashtextextended('journeys that begin others', 0));

-- name: beginners
-- What is live of journeys that begin others or raise events; but this one.
select j.id, j.name, v.definition from journey j join journey_version v on v.id = j.live_version_id
where j.state in ('live', 'paused') and j.id is distinct from %(journey_id)s::bigint
  and jsonb_path_exists(v.definition, '$.steps[*].kind ? (@ == "start_journey" || @ == "jump" || @ == "raise_event")')
order by j.id;

-- name: using_segment
-- Journeys that name a segment anywhere: in what is live, or in the draft.
select 'journey' as kind, j.id, j.name, j.state, j.state in ('live', 'paused') as active
from journey j left join journey_version v on v.id = j.live_version_id
where j.state <> 'archived' and (jsonb_path_exists(j.draft, %(path)s::text::jsonpath)
    or v.definition is not null and jsonb_path_exists(v.definition, %(path)s::text::jsonpath))
order by j.id limit 1000;
