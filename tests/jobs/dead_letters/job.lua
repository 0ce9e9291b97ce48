local cdcl = require "cdcl"
cdcl.job { name = "dead_letters", dead_letters = { path = "dead.jsonl" } }
cdcl.file { path = "in/orders.jsonl", schema = "order_id int, quantity int, op string" }
  :merge { name = "orders", key = "order_id", on_update = function(old, new)
    if new.quantity < 0 then return nil, "negative quantity" end
    return new
  end }
  :to(cdcl.changes { output_mode = "changelog" })
