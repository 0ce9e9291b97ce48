local cdcl = require "cdcl"
cdcl.kafka {
  topic = "orders; orders_2",
  schema = "order_id int",
}:to(cdcl.console {})
