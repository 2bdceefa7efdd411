"""From the catalog to ClickHouse SQL. Nothing here touches a database."""
