-- name: publish
-- One row a listener, in the transaction of the change.
insert into notice (listener, topic, body) select unnest(%(listeners)s::text[]), %(topic)s, %(body)s;

-- name: next_due
-- The oldest notice that is due, kept for this transaction.
select id, listener, topic, body, attempts from notice
where listener = any(%(listeners)s) and retry_at <= clock_timestamp()
order by retry_at, id limit 1 for update skip locked;

-- name: forget
-- It has been heard.
delete from notice where id = %(id)s;

-- name: postpone
-- It could not be heard now; later, and later each time.
update notice set attempts = attempts + 1, error = %(error)s,
    retry_at = clock_timestamp() + least(interval '1 hour', interval '1 second' * power(2, attempts))
where id = %(id)s;
