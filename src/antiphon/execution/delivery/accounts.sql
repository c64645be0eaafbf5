-- name: all_accounts
-- Every account with its terms and how it is, oldest first.
select a.id, a.channel, a.provider, a.name, a.enabled, a.version,
       jsonb_strip_nulls(jsonb_build_object(
           'per_second', t.per_second, 'per_day', t.per_day, 'domains', t.domains, 'warmup', t.warmup,
           'price_micros', t.price_micros, 'prices', t.prices)) as terms,
       coalesce(h.state, 'working') as state, h.until, coalesce(h.rest_seconds, 0) as rest_seconds
from channel_account a
left join account_terms t on t.account_id = a.id
left join account_health h on h.account_id = a.id
order by a.id;

-- name: first_priced
-- The terms of an account, or of the oldest enabled one of a channel.
select a.provider, jsonb_strip_nulls(jsonb_build_object('price_micros', t.price_micros, 'prices', t.prices)) as terms
from channel_account a left join account_terms t on t.account_id = a.id
where case when %(account_id)s::bigint is null then a.channel = %(channel)s and a.enabled else a.id = %(account_id)s end
order by a.id limit 1;

-- name: all_terms
-- The terms of every account that has any.
select account_id, jsonb_strip_nulls(jsonb_build_object('per_second', per_second, 'per_day', per_day, 'domains', domains,
    'warmup', warmup, 'price_micros', price_micros, 'prices', prices))
from account_terms;

-- name: all_routes
-- Every rule with its accounts, in the order they are asked.
select r.id, r.channel, r.position, r.name, r.match, r.strategy, r.otherwise, r.enabled, r.created_at, r.updated_at,
       coalesce((select jsonb_agg(jsonb_build_object('account_id', g.account_id, 'share', g.share) order by g.position)
                 from delivery_route_target g where g.route_id = r.id), '[]') as targets
from delivery_route r
where %(channel)s::text is null or r.channel = %(channel)s
order by r.channel, r.position, r.id;

-- name: find_route
-- One rule with its accounts.
select r.id, r.channel, r.position, r.name, r.match, r.strategy, r.otherwise, r.enabled, r.created_at, r.updated_at,
       coalesce((select jsonb_agg(jsonb_build_object('account_id', g.account_id, 'share', g.share) order by g.position)
                 from delivery_route_target g where g.route_id = r.id), '[]') as targets
from delivery_route r where r.id = %(id)s;

-- name: insert_route
-- A new rule, asked after those there are unless it has a place.
insert into delivery_route (channel, position, name, match, strategy, otherwise, enabled, created_at, updated_at)
select %(channel)s, coalesce(%(position)s, (select coalesce(max(position), 0) + 1 from delivery_route where channel = %(channel)s)),
       %(name)s, %(match)s, %(strategy)s, %(otherwise)s, %(enabled)s, %(now)s, %(now)s
returning id;

-- name: update_route
-- A rule as it shall be.
update delivery_route set position = coalesce(%(position)s, position), name = %(name)s, match = %(match)s,
    strategy = %(strategy)s, otherwise = %(otherwise)s, enabled = %(enabled)s, updated_at = %(now)s
where id = %(id)s
returning id;

-- name: clear_targets
-- Forget the accounts of a rule.
delete from delivery_route_target where route_id = %(route_id)s;

-- name: insert_targets
-- The accounts of a rule, in order; only those of its own channel.
insert into delivery_route_target (route_id, position, account_id, share)
select %(route_id)s, g.n, g.account_id, g.share
from unnest(%(accounts)s::bigint[], %(shares)s::double precision[]) with ordinality as g (account_id, share, n)
join channel_account a on a.id = g.account_id and a.channel = %(channel)s
returning account_id;

-- name: delete_route
-- A rule is gone.
delete from delivery_route where id = %(id)s;

-- name: put_terms
-- The terms of an account.
insert into account_terms (account_id, per_second, per_day, domains, warmup, price_micros, prices, updated_at)
values (%(account_id)s, %(per_second)s, %(per_day)s, %(domains)s, %(warmup)s, %(price_micros)s, %(prices)s, %(now)s)
on conflict (account_id) do update set per_second = excluded.per_second, per_day = excluded.per_day,
    domains = excluded.domains, warmup = excluded.warmup, price_micros = excluded.price_micros, prices = excluded.prices,
    updated_at = excluded.updated_at;

-- name: rest
-- The account did not answer: leave it alone, longer than last time. Somebody's pause, and a rest that is not over, stay.
insert into account_health as h (account_id, state, since, until, rest_seconds, error, error_at)
values (%(account_id)s, 'resting', %(now)s, %(now)s::timestamptz + make_interval(secs => greatest(%(first)s::float8, %(asked)s::float8)),
        greatest(%(first)s::float8, %(asked)s::float8), %(error)s, %(now)s)
on conflict (account_id) do update set
    state = case when h.state = 'paused' then 'paused' else 'resting' end,
    since = case when h.state = 'working' then excluded.since else h.since end,
    rest_seconds = least(%(longest)s::float8, greatest(excluded.rest_seconds, h.rest_seconds * 2)),
    until = %(now)s::timestamptz + make_interval(secs => least(%(longest)s::float8, greatest(excluded.rest_seconds, h.rest_seconds * 2))),
    error = excluded.error, error_at = excluded.error_at
where h.state <> 'resting' or h.until <= %(now)s or %(probed)s
returning state, until, rest_seconds;

-- name: wake_account
-- It answers again.
update account_health set state = 'working', since = %(now)s, until = null, rest_seconds = 0
where account_id = %(account_id)s and state = 'resting';

-- name: probe
-- Whoever gets a row back may try a resting account whose rest is over, with a few messages; the others wait one more rest.
update account_health set until = %(now)s::timestamptz + make_interval(secs => rest_seconds)
where account_id = any(%(accounts)s::bigint[]) and state = 'resting' and until <= %(now)s
returning account_id;

-- name: pause_account
-- Nothing more goes through this account until somebody resumes it. Nothing comes back if it was paused.
insert into account_health as h (account_id, state, since, paused_by, reason, error, error_at)
values (%(account_id)s, 'paused', %(now)s, %(by)s, %(reason)s, %(error)s::text,
        case when %(error)s::text is null then null else %(now)s::timestamptz end)
on conflict (account_id) do update set state = 'paused', since = excluded.since, until = null, rest_seconds = 0,
    paused_by = excluded.paused_by, reason = excluded.reason,
    error = coalesce(excluded.error, h.error), error_at = coalesce(excluded.error_at, h.error_at)
where h.state <> 'paused'
returning account_id;

-- name: resume_account
-- Somebody says that it may be used again.
update account_health set state = 'working', since = %(now)s, until = null, rest_seconds = 0, paused_by = null, reason = null
where account_id = %(account_id)s and state <> 'working'
returning account_id;

-- name: note_minutes
-- Add up what came of accounts in this minute.
insert into account_minute as m (account_id, minute, sent, failed, put_off, unknown, faults, batches, seconds, slowest)
select g.account_id, date_trunc('minute', %(now)s::timestamptz), g.sent, g.failed, g.put_off, g.unknown, g.faults, g.batches,
       g.seconds, g.slowest
from unnest(%(accounts)s::bigint[], %(sent)s::int[], %(failed)s::int[], %(put_off)s::int[], %(unknown)s::int[],
            %(faults)s::int[], %(batches)s::int[], %(seconds)s::double precision[], %(slowest)s::double precision[])
    as g (account_id, sent, failed, put_off, unknown, faults, batches, seconds, slowest)
join channel_account a on a.id = g.account_id
order by g.account_id
on conflict (account_id, minute) do update set sent = m.sent + excluded.sent, failed = m.failed + excluded.failed,
    put_off = m.put_off + excluded.put_off, unknown = m.unknown + excluded.unknown, faults = m.faults + excluded.faults,
    batches = m.batches + excluded.batches, seconds = m.seconds + excluded.seconds,
    slowest = greatest(m.slowest, excluded.slowest);

-- name: forget_minutes
-- Minutes older than rates are asked for.
delete from account_minute where minute < %(before)s;

-- name: health
-- How accounts are: state, last error, and what came of them in the last quarter of an hour and today.
select a.id as account_id, a.channel, a.provider, a.name, a.enabled, coalesce(h.state, 'working') as state,
       coalesce(h.since, a.created_at) as since, h.until, h.paused_by, h.reason, h.error, h.error_at,
       coalesce(m.sent, 0) as sent, coalesce(m.failed, 0) as failed, coalesce(m.put_off, 0) as put_off,
       coalesce(m.unknown, 0) as unknown, coalesce(m.faults, 0) as faults,
       m.seconds / nullif(m.batches, 0) as seconds, m.slowest,
       (select coalesce(sum(c.taken), 0)::bigint from account_pace c
        where c.account_id = a.id and c.scope = '' and c.day = (%(now)s::timestamptz at time zone 'UTC')::date) as taken_today,
       (select count(*) from delivery_route_target g where g.account_id = a.id) as routes
from channel_account a
left join account_health h on h.account_id = a.id
left join lateral (
    select sum(sent)::bigint as sent, sum(failed)::bigint as failed, sum(put_off)::bigint as put_off,
           sum(unknown)::bigint as unknown, sum(faults)::bigint as faults, sum(batches) as batches, sum(seconds) as seconds,
           max(slowest) as slowest
    from account_minute m where m.account_id = a.id and m.minute > %(now)s::timestamptz - interval '15 minutes'
) m on true
where %(account_id)s::bigint is null or a.id = %(account_id)s
order by a.id;

-- name: lock_pace
-- The turns of these limits, made if they are new and locked in order, so that processes never wait for each other in a ring.
insert into account_pace (account_id, scope, next_at, day)
select g.account_id, g.scope, %(now)s::timestamptz - make_interval(secs => g.gap * g.burst), (%(now)s::timestamptz at time zone 'UTC')::date
from unnest(%(accounts)s::bigint[], %(scopes)s::text[], %(gaps)s::double precision[], %(bursts)s::int[])
    as g (account_id, scope, gap, burst)
join channel_account a on a.id = g.account_id
order by g.account_id, g.scope
on conflict (account_id, scope) do nothing;

-- name: take_turns
-- Take turns of limits, as many as are wanted and there are: those that added up since next_at, the day's left, no more.
with wanted as (
    select p.account_id, p.scope, g.want, g.gap, g.per_day,
           greatest(p.next_at, %(now)s::timestamptz - make_interval(secs => g.gap * g.burst)) as base,
           case when p.day = t.today then p.taken else 0 end as taken, t.today
    from unnest(%(accounts)s::bigint[], %(scopes)s::text[], %(wants)s::int[], %(gaps)s::double precision[], %(bursts)s::int[],
                %(per_days)s::int[]) as g (account_id, scope, want, gap, burst, per_day)
    cross join (select (%(now)s::timestamptz at time zone 'UTC')::date as today) t
    join account_pace p on p.account_id = g.account_id and p.scope = g.scope
    order by p.account_id, p.scope
    for update of p
), granted as (
    select w.*, greatest(0, least(
        w.want,
        case when w.gap > 0 then floor(extract(epoch from %(now)s::timestamptz - w.base) / w.gap + 1e-6)::int else w.want end,
        case when w.per_day >= 0 then w.per_day - w.taken else w.want end
    )) as n
    from wanted w
)
update account_pace p set next_at = g.base + make_interval(secs => g.gap * g.n), day = g.today, taken = g.taken + g.n
from granted g where p.account_id = g.account_id and p.scope = g.scope
returning p.account_id, p.scope, g.n;

-- name: return_turns
-- Turns that were not used.
update account_pace p set next_at = p.next_at - make_interval(secs => g.gap * g.n), taken = greatest(0, p.taken - g.n)
from unnest(%(accounts)s::bigint[], %(scopes)s::text[], %(counts)s::int[], %(gaps)s::double precision[])
    as g (account_id, scope, n, gap)
where p.account_id = g.account_id and p.scope = g.scope;

-- name: forget_pace
-- Limits nobody took a turn of for two days.
delete from account_pace where day < %(before)s;

-- name: staff_of
-- Where people of these roles are reached who can sign in.
select id, email from person where role = any(%(roles)s::text[]) and disabled_at is null order by id;
