import { Title } from "@mantine/core";

export default function NightPage() {
  return <Title order={1}>The night</Title>;
}
