# SPDX-License-Identifier: BSD-3-Clause
#
# Regions, checks, endpoints, groups, names and static records of steerd, as one batch of edits (steerctl config apply):
# all of it serves, or nothing was changed. What this configuration has made is written down in steerd itself, in the
# "$comment" of the topology, thing by thing with a hash of what it was to be. So what is said here no more is taken out,
# what others have made is left alone, and what others have changed shows (check "drift").
#
# It plans by .steerd, the documents that serve: steerd-terraform reads them before each run.

locals {
  folder    = "${path.root}/.steerd"
  topology  = try(jsondecode(file("${local.folder}/${var.topology_document}")), {})
  zones     = toset(concat(keys(var.zones), [for thing in keys(local.made) : regex("^[a-z]+:([^/]*)/", thing)[0] if can(regex("^(name|static):", thing))]))
  documents = { for zone in local.zones : zone => lookup(var.policy_documents, zone, "zones/${zone}.json") }
  policies  = { for zone, name in local.documents : zone => try(jsondecode(file("${local.folder}/${name}")), {}) }
  unread    = [for name in concat([var.topology_document], values(local.documents)) : name if !fileexists("${local.folder}/${name}")]

  # what is to be, and what is: each thing as JSON, which has the same text if it is the same
  desired = merge(
    { for name, value in var.regions : "region:${name}" => jsonencode(value) },
    { for name, value in var.checks : "check:${name}" => jsonencode(value) },
    { for name, value in var.endpoints : "endpoint:${name}" => jsonencode(value) },
    { for name, value in var.groups : "group:${name}" => jsonencode(value) },
    merge([for zone, policy in var.zones : { for name, value in try(policy.names, {}) : "name:${zone}/${name}" => jsonencode(value) }]...),
    merge([for zone, policy in var.zones : { for name, value in try(policy.static, {}) : "static:${zone}/${name}" => jsonencode(value) }]...),
  )
  current = merge(
    { for name, value in try(local.topology.regions, {}) : "region:${name}" => jsonencode(value) },
    { for name, value in try(local.topology.checks, {}) : "check:${name}" => jsonencode(value) },
    { for name, value in try(local.topology.endpoints, {}) : "endpoint:${name}" => jsonencode(value) },
    { for name, value in try(local.topology.groups, {}) : "group:${name}" => jsonencode(value) },
    merge([for zone, policy in local.policies : { for name, value in try(policy.names, {}) : "name:${zone}/${name}" => jsonencode(value) }]...),
    merge([for zone, policy in local.policies : { for name, value in try(policy.static, {}) : "static:${zone}/${name}" => jsonencode(value) }]...),
  )

  # what was made: "endpoint:web-1" => hash. A zone that is not said any more keeps its names in here.
  made  = try({ for thing, hash in local.topology["$comment"].terraform[var.owner] : thing => tostring(hash) }, {})
  make  = { for thing, value in local.desired : thing => substr(sha256(value), 0, 16) }
  stale = setsubtract(keys(local.made), keys(local.make))
  drift = [for thing, hash in local.made : thing if try(substr(sha256(local.current[thing]), 0, 16), "") != hash]

  puts = [for thing, value in local.desired : thing if try(local.current[thing], "") != value]
  # what is static has no kind of its own: it is cleared, and said anew, in the document of its zone
  put_edits = concat([for thing in local.puts : local.delete[thing] if local.kind_of[thing] == "static"], [for thing in local.puts :
    local.kind_of[thing] == "static" ? jsonencode({
      op    = "merge", kind = "document", name = local.documents[local.zone_of[thing]],
      value = { static = { (local.name_of[thing]) = jsondecode(local.desired[thing]) } }
      }) : jsonencode(merge({
        op    = "put", kind = local.kind_of[thing], name = local.name_of[thing],
        value = jsondecode(local.desired[thing])
    }, local.is_in[thing] ? { zone = local.zone_of[thing] } : {}))
  ])

  things  = toset(concat(keys(local.desired), keys(local.made)))
  kind_of = { for thing in local.things : thing => split(":", thing)[0] }
  is_in   = { for thing in local.things : thing => contains(["name", "static"], local.kind_of[thing]) }
  zone_of = { for thing in local.things : thing => local.is_in[thing] ? regex("^[a-z]+:([^/]*)/", thing)[0] : "" }
  name_of = { for thing in local.things : thing => local.is_in[thing] ? regex("^[a-z]+:[^/]*/(.*)$", thing)[0] : regex("^[a-z]+:(.*)$", thing)[0] }
  delete = { for thing in local.things : thing => local.kind_of[thing] == "static" ? jsonencode({
    op    = "merge", kind = "document", name = local.documents[local.zone_of[thing]],
    value = { static = { (local.name_of[thing]) = null } }
    }) : jsonencode(merge({
      op = "delete", kind = local.kind_of[thing], name = local.name_of[thing]
  }, local.is_in[thing] ? { zone = local.zone_of[thing] } : {})) }

  # a thing that somebody else has taken out is not taken out again
  delete_edits = [for thing in local.stale : local.delete[thing] if contains(keys(local.current), thing)]
  marks = { for thing in toset(concat(keys(local.make), tolist(local.stale))) : thing => lookup(local.make, thing, null)
  if lookup(local.make, thing, "") != lookup(local.made, thing, "-") }
  mark_edits = length(local.marks) == 0 ? [] : [jsonencode({ op = "merge", kind = "document", name = var.topology_document,
  value = { "$comment" = { terraform = { (var.owner) = local.marks } } } })]
  batch = "[${join(",", concat(local.put_edits, local.delete_edits, local.mark_edits))}]"

  # what goes with `terraform destroy`; steerd needs a region, so ours stay where nobody else has one
  keeps_regions = length(setsubtract(keys(try(local.topology.regions, {})), concat(["$comment"], keys(var.regions)))) == 0
  leaving       = [for thing in sort(keys(local.desired)) : thing if !(local.keeps_regions && local.kind_of[thing] == "region")]
  strangers     = [for thing, value in local.desired : thing if !contains(keys(local.made), thing) && try(local.current[thing], value) != value]
}

# Another one whenever something else is to be: its making is the batch.
resource "terraform_data" "documents" {
  triggers_replace = { for thing, value in local.desired : thing => jsondecode(value) }

  lifecycle {
    precondition {
      condition     = length(local.unread) == 0
      error_message = "What steerd serves was not read (${join(", ", local.unread)}): run steerd-terraform instead of terraform, or steerctl config export .steerd before it. A zone needs a policy document."
    }
    precondition {
      condition     = var.adopt || length(local.strangers) == 0
      error_message = "Others have made these, and they are not as they are said here: ${join(", ", local.strangers)}. With adopt = true they become those of this configuration."
    }
    precondition {
      condition     = length(local.batch) < 120000
      error_message = "The changes have ${length(local.batch)} octets, more than a command can be given: bring the first ones as files (steerctl config import)."
    }
  }
  provisioner "local-exec" {
    command     = "[ \"$STEERD_BATCH\" = '[]' ] || printf '%s' \"$STEERD_BATCH\" | ${var.steerctl} config apply - --reason \"$STEERD_REASON\""
    environment = { STEERD_BATCH = local.batch, STEERD_REASON = var.reason }
  }
}

# It stays the same resource, and changes in place: what `terraform destroy` is to take out.
resource "terraform_data" "made" {
  input      = { things = local.leaving, documents = local.documents, topology = var.topology_document, owner = var.owner, steerctl = var.steerctl }
  depends_on = [terraform_data.documents]

  provisioner "local-exec" {
    when    = destroy
    command = "printf '%s' \"$STEERD_BATCH\" | ${self.output.steerctl} config apply - --reason 'terraform destroy'"
    environment = {
      # merges: what somebody else has taken out already is no error
      STEERD_BATCH = jsonencode(concat([{
        op = "merge", kind = "document", name = self.output.topology,
        value = merge({ "$comment" = { terraform = { (self.output.owner) = null } } }, {
          for section, kind in { regions = "region:", checks = "check:", endpoints = "endpoint:", groups = "group:" } : section => {
            for thing in self.output.things : trimprefix(thing, kind) => null if startswith(thing, kind)
          } if length([for thing in self.output.things : thing if startswith(thing, kind)]) != 0
        })
        }], [for zone, document in self.output.documents : {
        op = "merge", kind = "document", name = document,
        value = {
          for section, kind in { names = "name:${zone}/", static = "static:${zone}/" } : section => {
            for thing in self.output.things : trimprefix(thing, kind) => null if startswith(thing, kind)
          } if length([for thing in self.output.things : thing if startswith(thing, kind)]) != 0
        }
      }]))
    }
  }
}

check "drift" {
  assert {
    condition     = length(local.drift) == 0
    error_message = "Changed in steerd by somebody else since the last apply: ${join(", ", local.drift)}. To have it again as it is said here: steerd-terraform apply -replace=module.steerd.terraform_data.documents (or as the module is called)"
  }
}
