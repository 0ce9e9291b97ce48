local cdcl = require "cdcl"
local orders = cdcl.kafka { topic_pattern = "orders.*", schema = "order_id int, op string" }
orders:filter "op = 'insert'":to(cdcl.kafka_sink { topic = "orders_inserted" })
