-- name: paces
-- What accounts may say, and the most they said in a minute of late.
select t.per_second, t.per_day, t.warmup, (select max(m.sent) from account_minute m where m.account_id = a.id)
from channel_account a left join account_terms t on t.account_id = a.id
where a.channel = %(channel)s and a.enabled and (%(account_id)s::bigint is null or a.id = %(account_id)s)
order by a.id;
