-- name: population
-- Everybody there is, ascending.
select array_send(array_agg(id order by id)) from profile where merged_into is null;

-- name: people
-- Clocks and wishes of some people, as columns: their stated hours of quiet, the trait with their zone, the channel they like.
select array_agg(q.value #>> '{}' order by g.n), array_agg(p.traits ->> 'timezone' order by g.n),
       array_agg(c.value #>> '{}' order by g.n)
from unnest(%(ids)s::bigint[]) with ordinality as g (id, n)
left join profile p on p.id = g.id
left join preference q on q.profile_id = g.id and q.aspect = 'quiet_hours'
left join preference c on c.profile_id = g.id and c.aspect = 'channel';

-- name: traits
-- Some traits of some people, as JSON, person by person in order.
select array_agg((select jsonb_object_agg(t.key, t.value) from jsonb_each(p.traits) t where t.key = any(%(names)s::text[]))::text
                 order by g.n)
from unnest(%(ids)s::bigint[]) with ordinality as g (id, n)
left join profile p on p.id = g.id;

-- name: trait_stamps
-- The stamps of the latest words on some traits, in the order of the traits: of some people, and of those of whom a journey said one.
select p.id, (select array_agg(coalesce(p.stamps ->> u.name, case when p.traits ? u.name then p.stamp end) order by u.n)
              from unnest(%(names)s::text[]) with ordinality as u (name, n))
from profile p
where p.id = any(%(ids)s::bigint[]) and (p.id = any(%(people)s::bigint[])
    or exists (select from unnest(%(names)s::text[]) u (name) where p.stamps ->> u.name like '%% journey:%%'));

-- name: refused_traits
-- Which of these values the rules of their traits refuse: places.
select (u.n - 1)::int from unnest(%(names)s::text[], %(said)s::text[]) with ordinality as u (name, said, n)
join trait_rule r on r.name = u.name
where trait_refused(r.computed, r.type, r.allowed, u.said::jsonb) is not null;

-- name: consented_since
-- Who said anything of consent since an instant.
select array_send(array_agg(distinct coalesce(a.to_id, c.profile_id)))
from consent c left join alias a on a.from_id = c.profile_id where c.at >= %(since)s::timestamptz;

-- name: consent_words
-- All that some people said of a topic on a channel, in order, but what the journey itself recorded: whose, when, and which word.
select array_send(array_agg(c.n order by c.n, c.at, c.id)), array_send(array_agg(c.at order by c.n, c.at, c.id)),
       array_send(array_agg(array_position(array['granted', 'pending', 'withdrawn'], c.state) order by c.n, c.at, c.id))
from (
    select g.n, c.id, c.at, c.state from unnest(%(ids)s::bigint[], %(seats)s::int[]) as g (id, n)
    cross join lateral (select g.id as id union all select a.from_id from alias a where a.to_id = g.id) o
    join consent c on c.profile_id = o.id
    where c.channel = %(channel)s and c.topic = %(topic)s
      and not (c.source = 'journey' and starts_with(coalesce(c.evidence ->> 'note', ''), %(own)s))
) c;

-- name: moments
-- When people were first and last seen, which conditions ask of as of traits.
select array_agg(p.created_at order by g.n), array_agg(p.first_seen order by g.n), array_agg(p.last_seen order by g.n)
from unnest(%(ids)s::bigint[]) with ordinality as g (id, n)
left join profile p on p.id = g.id;

-- name: spoken
-- What was and will be said to these people by others than this journey, since an instant.
select array_send(array_agg(g.n)), array_send(array_agg(coalesce(d.sent_at, d.due_at))),
       array_send(array_agg(m.n)), array_agg(distinct m.n || ' ' || array_to_json(array[d.message_class, d.channel, d.topic])::text)
from unnest(%(ids)s::bigint[], %(seats)s::int[]) as g (id, n)
cross join lateral (
    select d.sent_at, d.due_at, d.message_class, d.channel, d.topic from delivery d
    where d.profile_id = g.id and d.due_at >= %(since)s::timestamptz
      and d.state not in ('suppressed', 'cancelled', 'expired') and d.message_class in ('transactional', 'service', 'marketing')
      and d.intent_key not like %(own)s offset 0
) d
cross join lateral (select abs(hashtext(d.message_class || ' ' || d.channel || ' ' || coalesce(d.topic, ''))) as n) m;

-- name: insert_rehearsal
-- A rehearsal that was asked for.
insert into journey_rehearsal (journey_id, definition, asked, state, created_at, created_by)
values (%(journey_id)s, %(definition)s::jsonb, %(asked)s::jsonb, 'waiting', %(now)s, %(by)s)
returning id;

-- name: note_job
-- Which job does it.
update journey_rehearsal set job_id = %(job_id)s where id = %(id)s;

-- name: find_rehearsal
-- One rehearsal, with what was rehearsed and its report once there is one.
select r.id, r.journey_id, r.definition, r.asked, case when r.state in ('waiting', 'running') and j.state in ('cancelled', 'failed') then j.state
       else r.state end as state, r.job_id, r.report, coalesce(r.error, j.error) as error, r.created_at, r.created_by, r.finished_at,
       coalesce(j.done, 0)::bigint as done, j.total
from journey_rehearsal r left join job j on j.id = r.job_id
where r.id = %(id)s and r.journey_id = %(journey_id)s;

-- name: list_rehearsals
-- The rehearsals of a journey, latest first, without their reports.
select r.id, r.journey_id, r.asked, case when r.state in ('waiting', 'running') and j.state in ('cancelled', 'failed') then j.state
       else r.state end as state, r.job_id, coalesce(r.error, j.error) as error, r.created_at, r.created_by, r.finished_at,
       coalesce(j.done, 0)::bigint as done, j.total
from journey_rehearsal r left join job j on j.id = r.job_id
where r.journey_id = %(journey_id)s and (%(before)s::bigint is null or r.id < %(before)s::bigint)
order by r.id desc limit %(limit)s;

-- name: rehearsed_definition
-- What is to be rehearsed, and how.
select journey_id, definition, asked from journey_rehearsal where id = %(id)s;

-- name: finish_rehearsal
-- What came of it.
update journey_rehearsal set state = %(state)s, report = %(report)s::jsonb, error = %(error)s, finished_at = %(now)s
where id = %(id)s and state in ('waiting', 'running');

-- name: begin_rehearsal
-- It is being worked on.
update journey_rehearsal set state = 'running' where id = %(id)s and state in ('waiting', 'running') returning id;

-- name: forget_rehearsals
-- Only the last rehearsals of a journey are kept.
delete from journey_rehearsal where journey_id = %(journey_id)s and id not in (
    select id from journey_rehearsal where journey_id = %(journey_id)s order by id desc limit %(keep)s);

-- name: recorded_entries
-- When people came into a journey while it was live.
select profile_id, entered_at from journey_run where journey_id = %(journey_id)s and entered_at >= %(since)s::timestamptz
union all
select profile_id, entered_at from journey_past
where journey_id = %(journey_id)s and entered_at >= %(since)s::timestamptz and reason <> 'holdout';

-- name: recorded_messages
-- What became of a journey's own messages while it was live: whose, of which step, and when; in the order they were due.
select d.profile_id, split_part(d.intent_key, ':', 4), d.delivered_at, d.opened_at, d.clicked_at, d.replied_at
from delivery d
where d.intent_key like %(own)s and d.state in ('sent', 'delivered', 'bounced', 'unknown') and d.hop = 0
order by d.due_at, d.id;

-- name: others
-- Passages of these people in other journeys that are live, from an instant on: which journey, whose, since when, until when.
select r.journey_id, r.profile_id, r.entered_at, null::timestamptz as ended_at
from journey_run r join journey j on j.id = r.journey_id and j.state in ('live', 'paused')
where r.journey_id <> %(journey_id)s and r.profile_id between %(first)s and %(last)s
union all
select p.journey_id, p.profile_id, p.entered_at, p.ended_at
from journey_past p join journey j on j.id = p.journey_id and j.state in ('live', 'paused')
where p.journey_id <> %(journey_id)s and p.profile_id between %(first)s and %(last)s and p.reason <> 'holdout'
  and p.ended_at >= %(since)s::timestamptz;

-- name: others_said
-- What other journeys said to these people from an instant on.
select split_part(d.intent_key, ':', 2)::bigint as journey_id, d.profile_id, coalesce(d.sent_at, d.due_at) as at
from delivery d
where d.intent_key like 'journey:%%' and d.intent_key not like %(own)s and d.profile_id between %(first)s and %(last)s
  and d.due_at >= %(since)s::timestamptz and d.state not in ('suppressed', 'cancelled', 'expired');

-- name: live_journeys
-- Journeys that are live, with what they say of others.
select j.id, j.name, v.definition ->> 'exclusive', coalesce((v.definition ->> 'priority')::int, 5)
from journey j join journey_version v on v.id = j.live_version_id
where j.state in ('live', 'paused') and j.id <> %(journey_id)s;
