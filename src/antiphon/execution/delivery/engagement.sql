-- name: export_engagement
-- What a customer opened and clicked, and what it was taken for, for their own copy.
select delivery_id, at, kind, url, agent, network, class, rule from engagement
where profile_id = any(%(profile_ids)s) order by id;

-- name: erase_engagement
-- Who opened and clicked from where is forgotten with the customer; the delivery's counters stay.
delete from engagement where profile_id = any(%(profile_ids)s);

-- name: erase_provider_messages
-- No news is matched any more to what was said to an erased customer.
delete from provider_message where profile_id = any(%(profile_ids)s);

-- name: erase_waiting
-- News that still waits for a row of an erased customer's, or names an address of theirs.
delete from signal_waiting where delivery_id in (select id from delivery where profile_id = any(%(profile_ids)s))
    or address in (select value from identity where profile_id = any(%(profile_ids)s));
