-- name: declare
-- The leases of a loop exist from its first start.
insert into lease (loop, bucket) select %(loop)s, b from generate_series(0, %(buckets)s - 1) b on conflict do nothing;

-- name: renew
-- One statement extends every lease this node still owns.
update lease set expires = clock_timestamp() + %(term)s
where owner = %(owner)s and expires > clock_timestamp();

-- name: beat
-- This node is alive.
insert into node (name, kind, expires) values (%(owner)s, %(kind)s, clock_timestamp() + %(term)s)
on conflict (name) do update set expires = excluded.expires;

-- name: bury
-- Nodes that stopped beating no longer count.
delete from node where expires < clock_timestamp() - interval '1 minute';

-- name: owned
-- What this node holds of one loop.
select bucket, epoch from lease where loop = %(loop)s and owner = %(owner)s and expires > clock_timestamp();

-- name: count_nodes
-- Live nodes of the kind that runs this loop.
select count(*) from node where kind = %(kind)s and expires > clock_timestamp();

-- name: take
-- Free buckets, at most as many as asked; the new epoch fences the former owner, whose work must end first.
update lease l set owner = %(owner)s, epoch = l.epoch + 1, expires = clock_timestamp() + %(term)s
from (
    select loop, bucket, epoch from lease
    where loop = %(loop)s and expires < clock_timestamp()
    order by bucket limit %(most)s for update skip locked
) free
where l.loop = free.loop and l.bucket = free.bucket and l.epoch = free.epoch
returning l.bucket, l.epoch;

-- name: release
-- Give buckets back before their time, so that another node may take them at once.
update lease set expires = '-infinity', owner = ''
where owner = %(owner)s and loop = %(loop)s and (%(buckets)s::int[] is null or bucket = any(%(buckets)s));

-- name: leave
-- This node is gone.
delete from node where name = %(owner)s;

-- name: fence
-- First statement of every work transaction: holds off a take-over until it ends.
select bucket from lease
where loop = %(loop)s and owner = %(owner)s and (bucket, epoch) in (select * from unnest(%(buckets)s::int[], %(epochs)s::bigint[]))
for key share;
