-- name: counting
-- The campaigns whose goals are counted now: from their start until the last window may have closed.
select id from campaign
where goal is not null and state not in ('draft', 'awaiting_approval', 'approved', 'refused')
  and (finished_at is null or finished_at > %(now)s::timestamptz - make_interval(secs => (goal ->> 'within_seconds')::float8 + %(clicks_after)s))
order by id;

-- name: note_conversions
-- Keep the events that were of people the campaign was for, and where one names a code, of whoever: each once.
insert into conversion (campaign_id, profile_id, key, delivery_id, ts, heard_at, lane, seq, value, by_code)
select %(campaign_id)s, s.person, s.key, d.id, s.ts, %(now)s, s.lane, s.seq, s.value, s.by_code
from unnest(%(people)s::bigint[], %(keys)s::bytea[], %(tss)s::timestamptz[], %(lanes)s::int[], %(seqs)s::bigint[],
            %(values)s::numeric[], %(by_codes)s::boolean[], %(givens)s::bigint[])
    as s (person, key, ts, lane, seq, value, by_code, given)
left join lateral (
    select d.id from delivery d
    where d.profile_id in (
        select coalesce(s.given, s.person)
        union all select a.from_id from alias a where a.to_id = coalesce(s.given, s.person)
    )
      and d.campaign_id = %(campaign_id)s and d.hop = 0 and (d.queued_at is not null or d.reason = 'holdout')
      and d.planned_at <= s.ts and s.ts <= greatest(d.due_at, d.planned_at) + make_interval(secs => %(reach)s)
    order by d.planned_at desc, d.id desc limit 1
) d on true
where d.id is not null or s.by_code
order by s.person, s.key, s.ts, s.lane, s.seq
on conflict (campaign_id, profile_id, key) do update
    set ts = excluded.ts, lane = excluded.lane, seq = excluded.seq, value = excluded.value, by_code = excluded.by_code,
        delivery_id = excluded.delivery_id
    where (excluded.ts, excluded.lane, excluded.seq) < (conversion.ts, conversion.lane, conversion.seq);

-- name: sum_conversions
-- Conversions by how they came about: how many, of how many people, worth what.
select how, count(*), count(distinct profile_id), coalesce(sum(value), 0)
from attributed_conversion where campaign_id = %(campaign_id)s and how is not null group by how;

-- name: list_conversions
-- The conversions themselves, newest first.
select j.profile_id, j.delivery_id, j.ts, j.value, j.how, j.lane, j.seq,
       case when %(named)s then coalesce(p.traits ->> 'name', nullif(trim(concat_ws(' ',
           coalesce(p.traits ->> 'firstName', p.traits ->> 'first_name'),
           coalesce(p.traits ->> 'lastName', p.traits ->> 'last_name'))), '')) end as customer
from attributed_conversion j
left join alias a on a.from_id = j.profile_id
left join profile p on p.id = coalesce(a.to_id, j.profile_id)
where j.campaign_id = %(campaign_id)s and j.how is not null and (%(how)s::text is null or j.how = %(how)s)
  and (%(before_ts)s::timestamptz is null or (j.ts, j.lane, j.seq) < (%(before_ts)s, %(before_lane)s, %(before_seq)s))
order by j.ts desc, j.lane desc, j.seq desc limit %(limit)s;

-- name: groups
-- Those who passed the gate and those who were held out, and how many of each did what the goal counts in its window after
-- their message was due: the same question of both.
select count(distinct d.profile_id) filter (where d.reason is distinct from 'holdout') as told,
       count(distinct d.profile_id) filter (where d.reason = 'holdout') as held,
       count(distinct d.profile_id) filter (where d.reason is distinct from 'holdout' and c.key is not null) as told_converted,
       count(distinct d.profile_id) filter (where d.reason = 'holdout' and c.key is not null) as held_converted
from delivery d
left join conversion c on c.campaign_id = d.campaign_id and c.delivery_id = d.id
    and c.ts >= d.due_at and c.ts <= d.due_at + make_interval(secs => %(within)s)
where d.campaign_id = %(campaign_id)s and d.hop = 0 and (d.queued_at is not null or d.reason = 'holdout');

-- name: erase_conversions
-- Erasure: that somebody converted stays, for campaigns' numbers, but it is nobody's any more.
update conversion set profile_id = case when delivery_id is null then -seq else -delivery_id end, key = key || '\x00'::bytea || int8send(seq)
where profile_id = any(%(profile_ids)s::bigint[]);

-- name: export_conversions
-- What somebody did that campaigns counted.
select campaign_id, ts, value, by_code from conversion where profile_id = any(%(profile_ids)s::bigint[]) order by ts;
