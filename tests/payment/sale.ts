/** The sales report against the ledger and the orders; `$1` is the tenant. */
export const SALES = `
  with counted as (
    select currency, sum(gross - cancelled - refunded) as net, sum(orders - cancelled_orders) as orders
      from sale_quarter where tenant_id = $1 group by 1),
  booked as (
    select currency, -sum(amount) as net from ledger_entry
     where tenant_id = $1 and account in ('sales', 'shipping', 'tax_payable', 'refunds') group by 1),
  standing as (
    select currency, count(*) as orders from "order" where tenant_id = $1 and status in ('open', 'completed') group by 1)
  select 'I9 the report makes ' || coalesce(c.net, 0) || ' ' || currency || ' of ' || coalesce(c.orders, 0)
         || ' orders, the ledger ' || coalesce(b.net, 0) || ' of ' || coalesce(s.orders, 0) as what
    from counted c full join booked b using (currency) full join standing s using (currency)
   where coalesce(c.net, 0) <> coalesce(b.net, 0) or coalesce(c.orders, 0) <> coalesce(s.orders, 0)`;
