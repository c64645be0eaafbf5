-- name: renewal_waits
-- Whether PostgreSQL is going to look at its tables again anyway.
select exists (select from job where kind = %(kind)s and state = 'waiting');
