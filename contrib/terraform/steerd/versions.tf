# SPDX-License-Identifier: BSD-3-Clause
# terraform_data and check need 1.5. No provider is fetched: what the module uses is built in.
terraform {
  required_version = ">= 1.5"
}
