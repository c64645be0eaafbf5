-- name: open_lane
-- The lane exists from its first holder.
insert into intake_cursor (lane, seq, received_at) values (%(lane)s, 0, '-infinity') on conflict do nothing;

-- name: read_lane
-- Where a lane goes on: after everything understood and everything written.
with last as (select seq, received_at from journal where lane = %(lane)s order by seq desc limit 1),
cursor as (select seq, received_at from intake_cursor where lane = %(lane)s)
select coalesce(max(seq), 0), max(received_at) filter (where received_at > '-infinity')
from (select * from last union all select * from cursor) both_ends;

-- name: ensure_day
-- The partition of one day.
select ensure_day(%(parent)s, %(day)s::date);

-- name: plan_once
-- The append has one plan whatever its parameters: the server need not look for a better one each time.
set plan_cache_mode = force_generic_plan;

-- name: append_journal
-- A small batch in one round trip: nothing is written unless the lane is still ours.
with fence as materialized (
    select 1 from lease
    where loop = 'journal' and bucket = %(lane)s and owner = %(owner)s and epoch = %(epoch)s for key share
)
insert into journal (lane, seq, received_at, source_id, sent_at, payload)
select %(lane)s, %(first)s + n, %(received)s, source_id, sent_at, payload
from fence, unnest(%(sources)s::int[], %(sents)s::timestamptz[], %(payloads)s::bytea[])
    with ordinality t (source_id, sent_at, payload, n);

-- name: copy_journal
-- A large batch.
copy journal (lane, seq, received_at, source_id, sent_at, payload) from stdin (format binary);

-- name: pending_lanes
-- Lanes of ours in which something waits.
select c.lane from intake_cursor c
where c.lane = any(%(lanes)s::int[]) and (
    select j.seq from journal j where j.lane = c.lane and j.seq > c.seq and j.received_at >= c.received_at
    order by j.seq limit 1
) is not null
order by c.at;

-- name: next_calls
-- What each lane has accepted after its cursor, in order.
select j.lane, j.seq, j.received_at, j.source_id, j.sent_at, j.payload
from intake_cursor c cross join lateral (
    select lane, seq, received_at, source_id, sent_at, payload from journal j
    where j.lane = c.lane and j.seq > c.seq and j.received_at >= c.received_at
    order by j.seq limit %(most)s
) j
where c.lane = any(%(lanes)s::int[]);

-- name: move_cursors
-- Up to here it is understood.
update intake_cursor c set seq = m.seq, received_at = m.received_at, at = clock_timestamp()
from unnest(%(lanes)s::int[], %(seqs)s::bigint[], %(received)s::timestamptz[]) m (lane, seq, received_at)
where c.lane = m.lane;

-- name: seen_before
-- Which of these messages were taken on an earlier day.
select uuid_send(key) from message_seen
where key = any(%(keys)s::uuid[]) and seen_on >= %(since)s::date and seen_on < %(day)s::date;

-- name: copy_seen
-- Take these messages, in one order for everybody; fails where one was taken before.
copy message_seen (key, seen_on) from stdin (format binary);

-- name: mark_seen
-- Take these messages, in one order for everybody; returned are those that were there already.
with taken as (
    insert into message_seen (key, seen_on) select key, %(day)s::date from unnest(%(keys)s::uuid[]) k (key) order by key
    on conflict do nothing returning key
)
select uuid_send(key) from unnest(%(keys)s::uuid[]) k (key) where key not in (select key from taken);

-- name: copy_events
-- Events understood.
copy event (lane, seq, received_at, ts, profile_id, name, kind, message_id, source_id, properties, context)
from stdin (format binary);

-- name: copy_rejects
-- What could not be understood.
copy reject (lane, seq, received_at, source_id, sent_at, payload, code, detail) from stdin (format binary);

-- name: note_names
-- Names seen for the first time, and again each hour, with the types of their properties.
insert into event_name (name, kind, first_seen, last_seen, properties)
select n.name, n.kind, n.at, n.at, coalesce(types.properties, '{}')
from unnest(%(names)s::text[], %(kinds)s::text[], %(ats)s::timestamptz[], %(samples)s::jsonb[]) n (name, kind, at, sample)
left join lateral (
    select jsonb_object_agg(left(key, 100), jsonb_typeof(value)) as properties
    from (select key, value from jsonb_each(n.sample) limit 100) few
) types on true
order by 1, 2
on conflict (name, kind) do update set last_seen = greatest(event_name.last_seen, excluded.last_seen),
    properties = case when (select count(*) from jsonb_object_keys(event_name.properties)) < 200
        then event_name.properties || excluded.properties else event_name.properties end;

-- name: which_are_json
-- Which of these texts PostgreSQL takes as JSON.
select pg_input_is_valid(t, 'jsonb') from unnest(%(texts)s::text[]) with ordinality u (t, n) order by n;

-- name: day_partitions
-- The days of a table that is kept by day.
select c.relname, right(c.relname, 8) from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = to_regclass(%(parent)s) order by c.relname;

-- name: oldest_unread
-- The earliest instant that intake may still have to read, over all lanes.
select min(received_at) from (
    select (select received_at from journal j where j.lane = c.lane and j.seq > c.seq order by j.seq limit 1) as received_at
    from intake_cursor c
) waiting;

-- name: recent_events
-- The latest events of every lane, newest first; a filter looks at no more than the latest of each.
select e.lane, e.seq, e.received_at, e.ts, coalesce(a.to_id, e.profile_id) as profile_id, e.name, e.kind, e.message_id,
    e.source_id, e.properties, e.context
from (
    select found.* from unnest(%(lanes)s::int[], %(befores)s::bigint[], %(afters)s::bigint[]) c (lane, before, after)
    cross join lateral (
        select * from (
            select * from event e where e.lane = c.lane and e.seq < c.before and e.seq > c.after order by e.seq desc limit %(scan)s
        ) latest
        where (%(name)s::text is null or name = %(name)s) and (%(kind)s::text is null or kind = %(kind)s)
            and (%(source)s::int is null or source_id = %(source)s)
        order by seq desc limit %(limit)s
    ) found
) e
left join alias a on a.from_id = e.profile_id
order by e.received_at desc, e.lane desc, e.seq desc limit %(limit)s;

-- name: lanes
-- Every lane there is, and how far it is understood.
select lane, seq from intake_cursor order by lane;

-- name: profile_events
-- What a person did, newest first: the hot part.
select lane, seq, received_at, ts, profile_id, name, kind, message_id, source_id, properties, context
from event
where profile_id = any(%(ids)s::bigint[]) and (ts, lane, seq) < (%(ts)s, %(lane)s::int, %(seq)s)
order by ts desc, lane desc, seq desc limit %(limit)s;

-- name: profile_ledgers
-- What a person said about being written to, and who was found to be the same person, as if they were events: of lanes -1
-- and -2, which no journal has.
select lane, seq, received_at, ts, profile_id, name, kind, null::text as message_id, null::int as source_id, properties, context
from (
    select -1 as lane, c.id as seq, c.recorded_at as received_at, c.at as ts, c.profile_id,
        'Consent ' || initcap(c.state) as name, 'consent' as kind,
        jsonb_build_object('channel', c.channel, 'topic', c.topic, 'topic_title', t.title, 'state', c.state, 'source', c.source)
            as properties,
        jsonb_build_object('evidence', c.evidence) as context
    from consent c join topic t on t.name = c.topic
    where c.profile_id = any(%(ids)s::bigint[]) and %(consents)s
    union all
    select -2, a.from_id, a.at, a.at, a.into_id, 'Profiles Merged', 'merge',
        jsonb_build_object('from', a.from_id, 'into', a.into_id, 'reason', a.reason, 'who', a.who), null
    from alias a where a.from_id = any(%(ids)s::bigint[])
) said
where (ts, lane, seq) < (%(ts)s, %(lane)s::int, %(seq)s)
order by ts desc, lane desc, seq desc limit %(limit)s;

-- name: event_names
-- Every name seen, for pickers.
select name, kind, first_seen, last_seen, properties from event_name
where (%(pattern)s::text is null or name ilike %(pattern)s) order by last_seen desc, name limit %(limit)s;

-- name: overview
-- Numbers of the last minute of business time, and what waits.
select (select count(*) from event where received_at > %(since)s) as events_last_minute,
    (select count(*) from (select 1 from reject where replayed_at is null limit 10000) r) as rejects_open,
    (select coalesce(sum(j.last - c.seq), 0) from intake_cursor c cross join lateral (
        select seq as last from journal where journal.lane = c.lane order by seq desc limit 1
    ) j where j.last > c.seq) as waiting;

-- name: rejects
-- What could not be understood, newest first.
select id, lane, seq, received_at, source_id, code, detail, payload, replayed_at from reject
where id < %(before)s and (%(code)s::text is null or code = %(code)s) and (%(waiting)s::boolean is null or (replayed_at is null) = %(waiting)s)
order by id desc limit %(limit)s;

-- name: count_rejects
-- How many wait, by reason.
select code, count(*) from reject where replayed_at is null group by code order by 2 desc;

-- name: take_rejects
-- Rejects to be replayed, held meanwhile.
select id, source_id, sent_at, received_at, payload from reject
where replayed_at is null and (id = any(%(ids)s::bigint[]) or %(every)s) order by id limit 5000 for update skip locked;

-- name: mark_replayed
-- They are in the journal again.
update reject set replayed_at = %(at)s where id = any(%(ids)s::bigint[]);

-- name: sources
-- What sends events.
select s.id, s.name, s.created_at from source s order by s.id;

-- name: add_source
-- A new sender.
insert into source (name, created_at) values (%(name)s, %(at)s) on conflict do nothing returning id;

-- name: source_keys
-- The write keys of the senders.
select id, source_id, name, hint, created_at, last_used_at, revoked_at from api_key where kind = 'write' and source_id is not null order by id;

-- name: erase_journal
-- Erasure: what was accepted of these people.
delete from journal j using event e
where e.profile_id = any(%(ids)s::bigint[]) and j.lane = e.lane and j.seq = e.seq and j.received_at = e.received_at;

-- name: erase_events
-- Erasure: what they did.
delete from event where profile_id = any(%(ids)s::bigint[]);

-- name: erase_rejects
-- Erasure: what was not understood and names them, there and in the journal.
with gone as (
    delete from reject where exists (
        select from unnest(%(words)s::bytea[]) w (word)
        where position(lower(encode(w.word, 'escape')) in lower(encode(reject.payload, 'escape'))) > 0
    )
    returning lane, seq, received_at
)
delete from journal j using gone g where j.lane = g.lane and j.seq = g.seq and j.received_at = g.received_at;

-- name: erase_words_in_journal
-- Erasure: what is not yet understood and names them becomes nothing.
delete from journal j using intake_cursor c
where j.lane = c.lane and j.seq > c.seq and exists (
    select from unnest(%(words)s::bytea[]) w (word)
    where position(lower(encode(w.word, 'escape')) in lower(encode(j.payload, 'escape'))) > 0
);
