-- What the gate writes, it writes in order. A campaign's intents share their key, so that an index that begins with it grows at one
-- place; one that began with the person was rewritten page by page with every campaign. People's rows are found by an
-- index of their own, in which rows of one person share an entry.
alter table delivery drop constraint delivery_profile_id_intent_key_key;
alter table delivery add unique (intent_key, profile_id);
create index delivery_person on delivery (profile_id);

-- So are addresses: of a campaign's messages by campaign, and by a number in place of the text. Whoever looks for an address
-- asks campaign by campaign (deliveries_to).
drop index delivery_address;
create index delivery_address on delivery (hashtext(address)) where campaign_id is null;
create index delivery_campaign_address on delivery (campaign_id, hashtext(address)) where campaign_id is not null;

-- All deliveries to an address: two steps of an index for each campaign there was, whatever the ledger's length.
create function deliveries_to(wanted text) returns table (id bigint) language sql stable parallel safe as $$
    with recursive spoken as (
        (select d.campaign_id from delivery d where d.campaign_id is not null order by d.campaign_id limit 1)
        union all
        select (select d.campaign_id from delivery d
                where d.campaign_id is not null and d.campaign_id > s.campaign_id order by d.campaign_id limit 1)
        from spoken s where s.campaign_id is not null
    )
    select d.id from spoken s cross join lateral (
        select d.id from delivery d
        where d.campaign_id is not null and d.campaign_id = s.campaign_id
          and hashtext(d.address) = hashtext(wanted) and d.address = wanted offset 0
    ) d
    union all
    select d.id from delivery d
    where d.campaign_id is null and hashtext(d.address) = hashtext(wanted) and d.address = wanted
$$;
