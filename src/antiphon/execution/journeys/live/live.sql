-- name: traits
-- Some traits of some people, as lists, in their order.
select array_agg(v.found::text order by i.n)
from unnest(%(profile_ids)s::bigint[]) with ordinality as i (profile_id, n)
left join lateral (select a.to_id from alias a where a.from_id = i.profile_id limit 1) a on true
left join lateral (
    select jsonb_agg(p.traits -> u.name order by u.n) as found
    from profile p cross join unnest(%(names)s::text[]) with ordinality as u (name, n)
    where p.id = coalesce(a.to_id, i.profile_id) group by p.id
) v on true;

-- name: preferred
-- The channel each asked for.
select array_agg(w.value #>> '{}' order by i.n)
from unnest(%(profile_ids)s::bigint[]) with ordinality as i (profile_id, n)
left join lateral (select a.to_id from alias a where a.from_id = i.profile_id limit 1) a on true
left join lateral (
    select w.value from preference w where w.profile_id = coalesce(a.to_id, i.profile_id) and w.aspect = 'channel' limit 1
) w on true;

-- name: dispatches_of
-- By which dispatches a step of a journey spoke, under any version and by any hop.
select d.key, d.hop from dispatch d
where d.key = any(select %(prefix)s || v.id || ':' || %(step)s || s.tail
                  from journey_version v cross join unnest(%(tails)s::text[]) as s (tail) where v.journey_id = %(journey_id)s);

-- name: said
-- What became of what passages were told by some dispatches, at the latest of these turns: of everything said of it, whatever
-- channel it went by.
select (i.n - 1)::int as place, bool_or(d.sent_at is not null or d.state in ('sent', 'delivered')),
       bool_or(d.state = 'delivered' or d.delivered_at is not null or d.opened_at is not null or d.clicked_at is not null
               or d.replied_at is not null),
       bool_or(d.opened_at is not null or d.clicked_at is not null or d.replied_at is not null),
       bool_or(d.clicked_at is not null), bool_or(d.replied_at is not null),
       bool_and(d.state in ('failed', 'bounced', 'expired', 'cancelled', 'suppressed')),
       bool_or(d.state not in ('suppressed', 'cancelled'))
from unnest(%(profile_ids)s::bigint[], %(suffixes)s::text[]) with ordinality as i (profile_id, suffix, n)
cross join lateral (
    select d.state, d.sent_at, d.delivered_at, d.opened_at, d.clicked_at, d.replied_at
    from (select i.profile_id as id union all select a.from_id from alias a where a.to_id = i.profile_id) o
    cross join unnest(%(keys)s::text[]) as k (key)
    join delivery d on d.profile_id = o.id and d.intent_key = k.key || ':' || i.suffix offset 0
) d
group by i.n;

-- name: last_said
-- What each was told last, on any channel.
select (i.n - 1)::int as place, d.channel, d.sent_at, d.topic, d.message_class, d.replied_at is not null
from unnest(%(profile_ids)s::bigint[]) with ordinality as i (profile_id, n)
cross join lateral (
    select d.channel, d.sent_at, d.topic, d.message_class, d.replied_at
    from (select i.profile_id as id union all select a.from_id from alias a where a.to_id = i.profile_id) o
    join delivery d on d.profile_id = o.id
    where d.sent_at is not null and d.sent_at <= %(now)s
    order by d.sent_at desc, d.id desc limit 1
) d;

-- name: last_heard
-- What each said last, by channel, the latest first. A word of the last hour is looked for among events as well: whoever hears
-- that event may be faster than the memory.
select (i.n - 1)::int as place, d.channel, d.at, d.text
from unnest(%(profile_ids)s::bigint[]) with ordinality as i (profile_id, n)
cross join lateral (
    select h.channel, h.at, h.text
    from (select i.profile_id as id union all select a.from_id from alias a where a.to_id = i.profile_id) o
    cross join lateral (
        select d.channel, d.at, d.text from dialogue d where d.profile_id = o.id
        union all
        select e.properties ->> 'channel', e.ts, left(coalesce(e.properties ->> 'text', ''), %(most)s::int) from event e
        where e.profile_id = o.id and e.ts > %(now)s::timestamptz - interval '1 hour'
          and e.received_at > %(now)s::timestamptz - interval '1 hour' and e.name like '%% Replied' and e.properties ? 'channel'
    ) h
    where h.at <= %(now)s
    order by h.at desc offset 0
) d
order by i.n, d.at desc, d.channel;

-- name: hold_people
-- Hold these people in the order everybody keeps; those merged away by now as who they are.
select i.n, p.id from (
    select (i.n - 1)::int as n, coalesce(a.to_id, i.profile_id) as id
    from unnest(%(profile_ids)s::bigint[]) with ordinality as i (profile_id, n)
    left join alias a on a.from_id = i.profile_id
) i join (select id from profile where id = any(
    select coalesce(a.to_id, u.id) from unnest(%(profile_ids)s::bigint[]) as u (id) left join alias a on a.from_id = u.id
) order by id for no key update) p on p.id = i.id;

-- name: raise
-- Events to be: on their way into the journal.
insert into journey_outgoing (bucket, profile_id, payload)
select o.profile_id %% 64, o.profile_id, o.payload
from unnest(%(profile_ids)s::bigint[], %(payloads)s::bytea[]) with ordinality as o (profile_id, payload, n) order by o.n;

-- name: keep_request
-- What is asked, kept once.
with made as (
    insert into journey_request (digest, url, method, sealed) values (%(digest)s, %(url)s, %(method)s, %(sealed)s)
    on conflict (digest) do nothing returning id
)
select id from made union all select id from journey_request where digest = %(digest)s limit 1;

-- name: ask
-- Who asks; a passage, step and turn asks once, unless the answer came while an edit had them elsewhere.
insert into journey_ask (profile_id, run_id, step, turn, journey_id, bucket, request_id, body, asked_at, due_at, give_up_at)
select a.profile_id, a.run_id, %(step)s, a.turn, %(journey_id)s, a.profile_id %% 64, %(request_id)s, a.body::jsonb, %(now)s, %(now)s,
       %(give_up_at)s
from unnest(%(profile_ids)s::bigint[], %(run_ids)s::bigint[], %(turns)s::bigint[], %(bodies)s::text[])
    as a (profile_id, run_id, turn, body)
on conflict (profile_id, run_id, step, turn) do update set state = 'waiting', request_id = excluded.request_id,
    body = excluded.body, due_at = excluded.due_at, give_up_at = excluded.give_up_at, attempts = 0, status = null, reason = null,
    ended_at = null
where journey_ask.state = 'too_late';

-- name: make_gate
-- A gate exists from its first visitor.
insert into journey_gate (journey_id, step) values (%(journey_id)s, %(step)s) on conflict do nothing;

-- name: hold_gate
-- The turns a gate gave last, and who passed it last; nobody else gives any until this transaction ends.
select turns::text, passed::text from journey_gate where journey_id = %(journey_id)s and step = %(step)s for update;

-- name: keep_gate
-- The turns a gate gave last, and who passed it last, from now on.
update journey_gate set turns = %(turns)s::text::jsonb, passed = %(passed)s::text::jsonb where journey_id = %(journey_id)s and step = %(step)s;

-- name: topic_is
-- Whether there is a topic.
select exists (select 1 from topic where name = %(topic)s);

-- name: existing
-- Who of these is there, as who they are by now.
select (i.n - 1)::int, p.id
from unnest(%(profile_ids)s::bigint[]) with ordinality as i (profile_id, n)
left join alias a on a.from_id = i.profile_id
join profile p on p.id = coalesce(a.to_id, i.profile_id);

-- name: state_held
-- Whether a journey is paused; whoever pauses it waits for this transaction, and finds what it says.
select state from journey where id = %(journey_id)s for share;
