-- name: answering
-- The campaigns that answer events: those that run, and paused ones, whose answers wait; not those that cannot answer.
select id from campaign
where kind = 'triggered' and state in ('running', 'paused') and started_at is not null and held_reason is null order by id;

-- name: jump
-- Nobody has read these lanes for this reader of late: it begins with what is understood from now on.
insert into campaign_cursor (reader, lane, seq, received_at)
select %(reader)s, lane, seq, received_at from intake_cursor
on conflict (reader, lane) do update set seq = greatest(campaign_cursor.seq, excluded.seq), received_at = excluded.received_at;

-- name: pending
-- Lanes of ours with events this reader has not read, and how far they are understood: read before the events themselves.
select i.lane, i.seq, greatest(i.received_at, '2000-01-01Z'), coalesce(c.seq, 0),
       greatest(coalesce(c.received_at, '-infinity'), '2000-01-01Z')
from intake_cursor i left join campaign_cursor c on c.lane = i.lane and c.reader = %(reader)s
where i.lane = any(%(lanes)s::int[]) and i.seq > coalesce(c.seq, 0)
order by i.lane;

-- name: happened
-- Events of these names in a lane, after what was read and up to what is understood, in order; each as its person's of today.
select e.lane, e.seq, e.received_at, e.ts, coalesce(a.to_id, e.profile_id), e.kind, e.name, e.properties::text
from unnest(%(lanes)s::int[], %(froms)s::bigint[], %(tos)s::bigint[], %(sinces)s::timestamptz[]) l (lane, after, upto, since)
cross join lateral (
    select * from event e
    where e.lane = l.lane and e.seq > l.after and e.seq <= l.upto and e.received_at >= l.since
      and e.name = any(%(names)s::text[]) and e.profile_id is not null
    order by e.seq limit %(most)s
) e
left join alias a on a.from_id = e.profile_id
order by e.lane, e.seq;

-- name: move
-- Up to here this reader has read.
insert into campaign_cursor (reader, lane, seq, received_at)
select %(reader)s, l.lane, l.seq, l.received_at
from unnest(%(lanes)s::int[], %(seqs)s::bigint[], %(received)s::timestamptz[]) l (lane, seq, received_at)
on conflict (reader, lane) do update set seq = excluded.seq, received_at = excluded.received_at;

-- name: alone
-- One process at a time answers for a campaign, so that two lanes with the same person or key do not meet; until the commit.
select pg_advisory_xact_lock(hashtextextended('campaign answers', %(campaign_id)s));

-- name: new_keys
-- Keys a campaign has not answered yet: from now on it has.
insert into campaign_answered (campaign_id, key, at)
select %(campaign_id)s, k, %(now)s from unnest(%(keys)s::bytea[]) k order by k
on conflict do nothing
returning key;

-- name: last_answers
-- When these people were answered last.
select profile_id, at from campaign_last where campaign_id = %(campaign_id)s and profile_id = any(%(profile_ids)s::bigint[]);

-- name: note_answers
-- When people were answered last, from now on.
insert into campaign_last (campaign_id, profile_id, at)
select %(campaign_id)s, p, at from unnest(%(profile_ids)s::bigint[], %(ats)s::timestamptz[]) n (p, at)
on conflict (campaign_id, profile_id) do update set at = excluded.at;

-- name: erase_last
-- Erasure: when somebody was answered.
delete from campaign_last where profile_id = any(%(profile_ids)s::bigint[]);

-- name: export_last
-- When somebody was answered last, by which campaign.
select campaign_id, at from campaign_last where profile_id = any(%(profile_ids)s::bigint[]) order by campaign_id;
