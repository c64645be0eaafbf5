-- Who lives in one of five cities, completed at least two orders in 90 days and opened no e-mail in 30, by hand.
-- {now} is an instant literal; {hot} is the condition for events the lake does not hold yet.
with hot as materialized (
    select profile_id, ts, name from postgres_query('pg', 'select profile_id, ts, name from event
        where name in (''Order Completed'', ''Email Opened'') and ts > ''{now}''::timestamptz - interval ''90 days'' and ({hot})')
),
recent as (
    select profile_id, name from lake.event
    where ts > timestamptz '{now}' - interval 90 days and ts <= timestamptz '{now}'
        and (name = 'Order Completed' or (name = 'Email Opened' and ts > timestamptz '{now}' - interval 30 days))
    union all
    select profile_id, name from hot
    where ts <= timestamptz '{now}'
        and (name = 'Order Completed' or (name = 'Email Opened' and ts > timestamptz '{now}' - interval 30 days))
),
buyers as (
    select profile_id from recent
    group by profile_id
    having count(*) filter (where name = 'Order Completed') >= 2 and count(*) filter (where name = 'Email Opened') = 0
)
select p.profile_id::uinteger as profile_id
from buyers b
join lake.profile p on p.profile_id = b.profile_id
where p.t_city in ('city-1', 'city-2', 'city-3', 'city-4', 'city-5')
order by 1
