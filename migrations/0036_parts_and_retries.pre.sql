-- A message of several parts is delivered when each part is: how many its receipts are waited for, and which have come.
alter table provider_message
    add column parts smallint not null default 1,
    add column delivered_at timestamptz;
create index provider_message_parts on provider_message (delivery_id) where parts > 1;

-- Which saying of a message may still bounce: of one that was said again, the latest counts.
alter table delivery_settle add column sent_at timestamptz;

-- What a campaign answered by key is forgotten in time.
create index campaign_answered_at on campaign_answered using brin (at);

-- A message that ends without being said leaves no contact; of one that was said before, and is said again, the earlier stays.
create or replace function delivery_was_not_said() returns trigger language plpgsql as $$
begin
    delete from contact
    where delivery_id = new.id
      and profile_id in (select new.profile_id union all select to_id from alias where from_id = new.profile_id)
      and at >= coalesce((select max(i.at) from delivery_intervention i
                          where i.delivery_id = new.id and i.verb in ('retry', 'send_again')), '-infinity');
    return null;
end $$;
