# SPDX-License-Identifier: BSD-3-Clause
# Values are those of steerd-topology(5) and steerd-policy(5), by name; what is not said here is left alone.

variable "regions" {
  description = "Regions with their azs. Whole regions: an az that is not said here goes with the next apply."
  type        = any
  default     = {}
}

variable "checks" {
  description = "Checks. What is said here is in the state: keep secrets of checks elsewhere."
  type        = any
  default     = {}
}

variable "endpoints" {
  type    = any
  default = {}
}

variable "groups" {
  type    = any
  default = {}
}

variable "zones" {
  description = "By zone: names, the steered ones, and static, records that are the same for everybody."
  type        = any
  default     = {}
}

variable "owner" {
  description = "Under which name steerd remembers what this configuration has made; one for each configuration."
  type        = string
  default     = "terraform"
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9._-]{0,62}$", var.owner))
    error_message = "The owner is 1 to 63 letters, digits, dots, dashes and underscores, lower case."
  }
}

variable "adopt" {
  description = "Take over what is there by these names and is another one."
  type        = bool
  default     = false
}

variable "topology_document" {
  description = "The document that says what this configuration has made, and that new things come to."
  type        = string
  default     = "topology.json"
}

variable "policy_documents" {
  description = "By zone, the name of its document where that is not zones/ZONE.json."
  type        = map(string)
  default     = {}
}

variable "steerctl" {
  description = "The program, with options if it needs any (but no token: --profile has that in a file)."
  type        = string
  default     = "steerctl"
}

variable "reason" {
  description = "Why, for the journal of steerd."
  type        = string
  default     = "terraform apply"
}
