-- name: people
-- Customers with ten traits; three in ten have the plan gold.
insert into profile (id, traits)
select i, jsonb_build_object('plan', case when i * 7919 %% 10 < 3 then 'gold' else 'basic' end, 'name', 'Person ' || i,
    'city', 'City ' || i %% 50, 'age', 18 + i %% 60, 'score', i %% 100, 'vip', i %% 17 = 0, 'source', 'web', 'language', 'en',
    'points', i %% 1000, 'visits', i %% 40)
from generate_series(%(first)s::bigint, %(last)s::bigint) i;

-- name: addresses
-- An address each, and that they may be written to.
insert into identity (kind, value, profile_id)
select 'email', 'p' || i || '@example.com', i from generate_series(%(first)s::bigint, %(last)s::bigint) i;

-- name: consents
-- They agreed to news.
insert into consent_state (profile_id, channel, topic, state, at, consent_id)
select i, 'email', 'news', 'granted', now(), 0 from generate_series(%(first)s::bigint, %(last)s::bigint) i;

-- name: standing
-- People at the first wait, all due.
insert into journey_run (profile_id, journey_id, version_id, bucket, step, wake_at, entered_at, arrived_at)
select i, %(journey_id)s, %(version_id)s, i %% 64, 0, %(now)s, %(now)s::timestamptz - interval '1 hour',
       %(now)s::timestamptz - interval '1 hour'
from generate_series(%(first)s::bigint, %(last)s::bigint) i;

-- name: by_hand
-- The same move as one statement: the wait is over, a branch on a trait, the next wait, its history row.
with due as (
    select r.profile_id, r.id, p.traits ->> 'plan' = 'gold' as gold
    from (
        select profile_id, id from journey_run
        where version_id = %(version_id)s and bucket = any(%(buckets)s::int[]) and wake_at <= %(now)s limit %(most)s for update
    ) r join profile p on p.id = r.profile_id
), moved as (
    update journey_run r set step = case when d.gold then 2 else 3 end, arrived_at = %(now)s,
        wake_at = %(now)s::timestamptz + case when d.gold then interval '1 day' else interval '2 days' end
    from due d where r.profile_id = d.profile_id and r.id = d.id
    returning r.profile_id, r.id, r.step
)
insert into journey_history (profile_id, run_id, journey_id, version_id, at, path)
select profile_id, id, %(journey_id)s, %(version_id)s, %(now)s,
       case when step = 2 then %(gold)s::jsonb else %(basic)s::jsonb end from moved;

-- name: waiting
-- People who wait, in one of twenty journeys, some of them for something to be heard.
insert into journey_run (profile_id, journey_id, version_id, bucket, step, wake_at, entered_at, arrived_at)
select i, (%(journeys)s::bigint[])[1 + i %% 20], (%(versions)s::bigint[])[1 + i %% 20], i %% 64, 0,
       case when i %% 10 > 0 then %(now)s::timestamptz + (1 + i %% 86400) * interval '1 minute' end, %(now)s, %(now)s
from generate_series(%(first)s::bigint, %(last)s::bigint) i;

-- name: opened
-- Three in ten opened what they were told: said by hand, since the channel is none.
update delivery set state = 'delivered', sent_at = %(now)s, delivered_at = %(now)s,
    opened_at = case when profile_id * 7919 %% 10 < 3 then %(now)s::timestamptz end
where id in (select id from delivery where sent_at is null and state = 'queued' and id > %(after)s order by id limit 50000)
returning id;
