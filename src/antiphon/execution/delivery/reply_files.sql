-- name: keep
-- A file that came with an answer of a customer's.
insert into reply_file (profile_id, delivery_id, channel, name, content_type, size, octets, at)
values (%(profile_id)s, %(delivery_id)s, %(channel)s, %(name)s, %(content_type)s, %(size)s, %(octets)s, %(at)s) returning id;

-- name: find
-- One file, and whose it is.
select profile_id, name, content_type, octets from reply_file where id = %(id)s;

-- name: export_reply_files
-- What a customer attached, for their own copy.
select id, delivery_id, channel, at, name, content_type, size, encode(octets, 'base64') as base64 from reply_file
where profile_id = any(%(profile_ids)s) order by id;

-- name: erase_reply_files
-- What a customer attached is forgotten with them.
delete from reply_file where profile_id = any(%(profile_ids)s);
