# SPDX-License-Identifier: BSD-3-Clause
# Two regions that stand in for each other, and what the mail people asked for.

module "steerd" {
  source = "../steerd"

  regions = {
    us-east = { location = [38.9, -77.0], azs = { us-east-1a = {}, us-east-1b = {} } }
    eu-west = { location = [53.3, -6.3], azs = { eu-west-1a = {} } }
  }
  checks = {
    web = { type = "http", port = 8080, path = "/healthz", interval = "2s", timeout = "1s" }
  }
  endpoints = {
    web-use1-a = { az = "us-east-1a", addresses = ["192.0.2.10", "2001:db8::10"], weight = 60, checks = ["web"] }
    web-use1-b = { az = "us-east-1b", addresses = ["192.0.2.11"], weight = 40, checks = ["web"] }
    web-euw1-a = { az = "eu-west-1a", addresses = ["198.51.100.10"], checks = ["web"] }
  }
  zones = {
    "example.com" = {
      names = {
        www = { ttl = 30, endpoints = ["web-*"], tiers = [["us-east"], ["eu-west"]] }
      }
      static = {
        "@" = { ttl = "1h", records = { TXT = "\"v=spf1 -all\"" } }
      }
    }
  }
}
