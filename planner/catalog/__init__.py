"""The catalog: cited records in YAML, read strictly.

Import what you need from its modules; none of them is imported here, since reading one record must be quick.

========================  =====================================================================
`planner.catalog.load`    `Catalog`: records by id or alias, through overlays and overrides
`planner.catalog.kinds`   `Kind`, and the kinds of hardware records
`planner.catalog.records` bases of record schemas: `Record`, `Section`, `Items`, `Ref`
`planner.catalog.quantity` `Quantity` and the types of quantity fields
`planner.catalog.lint`    `lint`: everything that is wrong with a catalog or an overlay
========================  =====================================================================
"""
